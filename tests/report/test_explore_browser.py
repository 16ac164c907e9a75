# SPDX-License-Identifier: BSD-3-Clause
"""The page in a real browser: what is selected in one view shows in the others."""

import base64
import json
import re
import shutil
import time
from contextlib import contextmanager

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import ascii as text_tables
from astropy.stats import mad_std
from astropy.table import Table
from astropy.wcs import WCS
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans

from skesom._common.labels import label_map_digest
from skesom.cli import main
from skesom.consensus import ConsensusClusterer
from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.io import read_map
from skesom.maps import ClusterNames, make_cluster_pipeline, make_clusterer
from skesom.maps.leaves import LeafTree
from skesom.report import explore
from skesom.report._populations import colors_of, find_of_result
from skesom.report.result import Result
from skesom.runs import Run, read_cluster_groups
from skesom.som import CSOM, ESOM

BROWSERS = "chromium", "chromium-browser", "google-chrome"
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


DENIED = """Object.defineProperty(window, "localStorage", {
    get() { throw new DOMException("denied", "SecurityError") } })"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium that keeps downloads in a folder."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if found is None or driver is None:
        pytest.skip("needs Chromium and ChromeDriver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = found
    for switch in SWITCHES:
        options.add_argument(switch)
    options.add_argument("--window-size=1500,1300")
    folder = tmp_path_factory.mktemp("downloads")
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(folder)}
    )
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    service = webdriver.ChromeService(driver)
    chromium = webdriver.Chrome(options=options, service=service)
    chromium.downloads = folder
    yield chromium
    chromium.quit()


@pytest.fixture(scope="module")
def lattice_job(galaxy):
    """A fitted pipeline around a lattice of hexagons."""
    som = CSOM(shape=(5, 6), topology="hexagonal", n_clusters=4, random_state=0)
    return make_cluster_pipeline(som, target_fwhm=None).fit(galaxy)


@pytest.fixture(scope="module")
def objects(galaxy):
    """Two HII regions and a remnant of a supernova in the galaxy."""
    sky = galaxy.wcs.pixel_to_world([20, 40, 60], [10, 30, 50])
    names = ["first", "second", "third"]
    return Table([sky.ra.deg, sky.dec.deg, names, ["HII", "HII", "SNR"]],
                 names=["ra", "dec", "name", "type"])  # fmt: skip


@pytest.fixture(scope="module")
def written(lattice_job, galaxy, objects, tmp_path_factory):
    """The page as a file."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    return explore(path, lattice_job, galaxy, catalog=objects)


@pytest.fixture
def page(browser, written):
    """The page, open and ready, with nothing selected."""
    browser.get_log("browser"), browser.get_log("performance")
    open_page(browser, written)
    return browser


@pytest.fixture(scope="module")
def labels(lattice_job):
    """The label map."""
    return lattice_job["cluster"].labels_


@pytest.fixture(scope="module")
def units(lattice_job, galaxy):
    """The nearest unit of each pixel."""
    return Result(lattice_job, galaxy).unit_map


def open_page(browser, path, *, kept=False):
    """Open a page and wait until it is drawn; nothing is kept of earlier pages."""
    browser.get(path.as_uri())
    if not kept:
        browser.execute_script("localStorage.clear()")
        browser.refresh()
    wait_for(browser, "return document.body.dataset.state === 'ready'")


def wait_for(browser, script):
    """Wait until a script returns what is true."""
    end = time.monotonic() + 60
    while not browser.execute_script(script):
        assert time.monotonic() < end, f"never true: {script}"
        time.sleep(0.05)


def of_groups(browser, name):
    """Return what the page knows of each cluster."""
    return browser.execute_script(f"return groups.map((group) => group.{name})")


def cells(browser, column):
    """Return the texts of a column of the list of clusters."""
    rows = browser.find_elements("css selector", "#clusters tr:not(.words)")
    return [row.find_elements("tag name", "td")[column].text for row in rows]


def picture(browser, name, shape):
    """Return red, green and blue of each pixel of a layer, the first row first."""
    script = """const data = layers[arguments[0]].picture.data;
        let text = ""; for (const each of data) text += String.fromCharCode(each);
        return btoa(text)"""
    content = base64.b64decode(browser.execute_script(script, name))
    return np.frombuffer(content, np.uint8).reshape(*shape, 4)[::-1, :, :3]


def act(browser, name, *arguments):
    """Call what the views call when the user acts."""
    browser.execute_script(f"{name}(...arguments)", *arguments)


def tick(browser, *numbers):
    """Tick rows of the list of clusters."""
    boxes = browser.find_elements("css selector", "#clusters [type=checkbox]")
    for number in numbers:
        boxes[number].click()


def at_pixel(browser, column, row):
    """Return the mouse over a pixel of the picture."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    x, y = browser.execute_script(
        """sky_view.canvas.scrollIntoView({block: "center"});
        const box = sky_view.canvas.getBoundingClientRect();
        const [x, y] = sky_view.to_screen(...arguments);
        return [box.x + x, box.y + y];""",
        column,
        row,
    )
    builder = ActionBuilder(browser)
    builder.pointer_action.move_to_location(x, y)
    builder.perform()
    return ActionChains(browser)


def press(browser, *keys):
    """Press keys, one after the other."""
    from selenium.webdriver import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def downloaded(browser, name):
    """Return the content of a file that the page saves; deletes it."""
    path = browser.downloads / name
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, "nothing was downloaded"
        time.sleep(0.05)
    content = path.read_text(encoding="utf-8")
    path.unlink()
    return content


def of_clusters(browser):
    """Return name, labels and color of each cluster of the list."""
    return browser.execute_script(
        "return names_of(groups).map((each) => [each.name, each.labels, each.color])"
    )


def labels_of(browser):
    """Return the clusters of the run in each cluster of the list."""
    return browser.execute_script("return names_of(groups).map((each) => each.labels)")


def name_first(browser, name):
    """Type a name for the first cluster of the list."""
    box = browser.find_element("css selector", "#clusters [type=text]")
    box.clear()
    box.send_keys(name, "\n")


def set_opacity(browser, percent):
    """Move the control of the map."""
    script = """const control = choice("opacity");
        control.value = arguments[0];
        control.dispatchEvent(new Event("change"))"""
    browser.execute_script(script, percent)


@contextmanager
def before_pages(browser, script):
    """Run a script before those of the pages that are opened meanwhile."""
    command = "Page.addScriptToEvaluateOnNewDocument"
    added = browser.execute_cdp_cmd(command, {"source": script})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def n_selected(browser):
    """Return the number of selected pixels that the page tells."""
    return int(browser.execute_script("return document.body.dataset.selected"))


def highlighted(browser, shape):
    """Return which pixels of both pictures keep their full color; clears."""
    pictures = ("map", "image")
    now = [picture(browser, name, shape) for name in pictures]
    act(browser, "clear")
    full = [picture(browser, name, shape) for name in pictures]
    kept = [(a == b).all(axis=-1) for a, b in zip(now, full, strict=True)]
    # The gray that pixels fade to may be the color of a pixel, in one picture.
    return kept[0] & kept[1]


def errors_of(browser):
    """Return the errors since the log was read."""
    return [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]


def requests_of(browser):
    """Return the addresses that were asked for since the log was read."""
    logged = [json.loads(e["message"]) for e in browser.get_log("performance")]
    messages = [entry["message"] for entry in logged]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


def open_job(browser, clusterer, cube, folder, **options):
    """Cluster a cube and open its page; return the label map."""
    job = make_cluster_pipeline(clusterer, target_fwhm=None, **options).fit(cube)
    browser.get_log("browser")
    open_page(browser, explore(folder / "page.html", job, cube))
    return job["cluster"].labels_


def test_no_errors_and_no_requests(page):
    assert errors_of(page) == []
    asked = requests_of(page)
    assert asked, "the log of requests is empty"
    outside = [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    assert outside == []


HOSTILE = [
    "</script><script>window.was_run = 1</script>",
    "<img src=x onerror='window.was_run = 2'>",
    "$$\\href{javascript:window.was_run=3}{\\text{x}}$$",
    "javascript:window.was_run=4",
    "@{name}{custom} <%= window.was_run = 5 %> {{ 7 * 7 }} {% raw %}",
    "'\"></style><svg onload='window.was_run = 6'>",
    "a; } * { background: url(http://127.0.0.1:9/x) }",
]


def test_names_of_strangers_run_nothing(browser, lattice_job, galaxy, tmp_path):
    """Bands, clusters, objects and headings are shown as the text that they are."""
    cube = galaxy.replace(band_names=HOSTILE[: galaxy.shape[2]])
    sky = galaxy.wcs.pixel_to_world([20, 40, 60, 30], [10, 30, 50, 20])
    objects = Table(
        [sky.ra.deg, sky.dec.deg, HOSTILE[:4], HOSTILE[3:7]],
        names=["ra", "dec", "name", "type"],
    )
    job = make_cluster_pipeline(
        CSOM(shape=(5, 6), n_clusters=4, random_state=0), target_fwhm=None
    ).fit(cube)
    # Region files cannot hold the others.
    names = [name for name in HOSTILE if not set("{};") & set(name)]
    groups = [(name, [label]) for label, name in enumerate(names)]
    browser.get_log("performance")
    path = explore(
        tmp_path / "page.html",
        job,
        cube,
        catalog=objects,
        groups=groups,
        title=HOSTILE[0],
    )
    open_page(browser, path)
    browser.find_element("tag name", "summary").click()
    for box in browser.find_elements("css selector", "#objects input"):
        box.click()
    tick(browser, 0, 1)
    act(browser, "merge")
    for box in browser.find_elements("css selector", "#clusters [type=text]"):
        box.send_keys(HOSTILE[1], "\n")
    for band in range(galaxy.shape[2]):
        browser.execute_script(
            "choice('picture').selectedIndex = arguments[0]; paint_image()", band + 1
        )
    for column, row in ([40, 30], [20, 10]):  # shows what is under the mouse
        act(browser, "hover", column, row)
        act(browser, "pick", column, row)
    assert browser.execute_script("return window.was_run ?? null") is None
    text = browser.execute_script("return document.getElementById('readout').innerText")
    assert "<img src=x" in text
    found = "img[src='x'], svg[onload], a[href^=javascript], style:not(head style)"
    assert browser.find_elements("css selector", found) == []
    assert [url for url in requests_of(browser) if url.startswith("http")] == []


def test_code_in_a_page_does_not_run(page):
    """Only the script of the page may run, even if text became an element."""
    page.execute_script(
        """const script = document.createElement("script");
        script.textContent = "window.was_run = 1";
        document.body.append(script);
        document.body.insertAdjacentHTML(
            "beforeend", "<img src='data:,x' onerror='window.was_run = 2'>")"""
    )
    time.sleep(0.2)
    assert page.execute_script("return window.was_run ?? null") is None
    page.get_log("browser")  # tells what was refused


def test_clusters_have_their_colors(page, labels):
    colors = picture(page, "map", labels.shape)
    seen = [np.unique(colors[labels == n], axis=0) for n in range(4)]
    assert [len(each) for each in seen] == [1, 1, 1, 1]
    assert len(np.unique(np.concatenate(seen), axis=0)) == 4
    painted = ["#" + bytes(each[0]).hex() for each in seen]
    assert painted == of_groups(page, "color")


class TestSelection:
    """What is selected in one part is shown in the others."""

    def test_box_in_the_picture(self, page, labels, units):
        page.find_element("css selector", "[value=box]").click()
        start, end = (9.7, 5.4), (20.2, 30.2)
        at_pixel(page, *start).click_and_hold().perform()
        at_pixel(page, *end).release().perform()
        inside = np.zeros(labels.shape, dtype=bool)
        inside[6:31, 10:21] = True
        assert n_selected(page) == inside.sum()
        expected = [
            f"{100 * (inside & (labels == n)).sum() / (labels == n).sum():.0f} %"
            for n in range(4)
        ]
        assert cells(page, 5) == expected
        hit = np.bincount(units[inside & (labels >= 0)], minlength=30) > 0
        alpha = np.array(page.execute_script("return unit_alphas"))
        np.testing.assert_array_equal(alpha > 0.3, hit)
        np.testing.assert_array_equal(highlighted(page, labels.shape), inside)

    def test_lasso_takes_pixels_by_their_middle(self, page, labels):
        path = [[2, 3], [30, 3], [2, 31]]
        page.execute_script("sky_view.actions.choose(arguments[0])", path)
        rows, columns = np.indices(labels.shape)
        # On the edge itself either is right.
        sure = (columns > 2) & (rows > 3) & (columns + rows < 33)
        maybe = (columns >= 2) & (rows >= 3) & (columns + rows <= 33)
        found = highlighted(page, labels.shape)
        assert found[sure].all()
        assert not found[~maybe].any()

    def test_units_select_their_pixels(self, page, labels, units):
        """An area around the middles of two cells."""
        page.execute_script(
            """const at = (unit) => [arrays.unit_x[unit], arrays.unit_y[unit]];
            const [[x0, y0], [x1, y1]] = [at(3), at(4)];
            units_view.actions.choose([[x0 - .1, y0 - .1], [x1 + .1, y0 - .1],
                [x1 + .1, y1 + .1], [x0 - .1, y1 + .1]])"""
        )
        wanted = np.isin(units, [3, 4])
        assert n_selected(page) == wanted.sum() > 0
        np.testing.assert_array_equal(highlighted(page, labels.shape), wanted)

    def test_rows_of_the_list_select_clusters(self, page, labels):
        tick(page, 1, 3)
        assert n_selected(page) == np.isin(labels, [1, 3]).sum()
        tick(page, 3)
        drawn = page.execute_script(
            """return [...document.querySelectorAll("#spectra g")].map((group) =>
                [group.querySelector("title").textContent,
                 group.querySelector("polyline").getAttribute("points")])"""
        )
        assert [name for name, _ in drawn] == [
            *(f"cluster {n}" for n in range(4)),
            "selection",
        ]
        assert drawn[4][1] == drawn[1][1]
        np.testing.assert_array_equal(highlighted(page, labels.shape), labels == 1)

    def test_mouse_reads_and_clicks(self, page, labels, galaxy):
        row, column = 31, 42
        mouse = at_pixel(page, column, row)
        text = page.find_element("id", "readout").text.replace("\n", " ")
        assert f"x {column}, y {row}" in text
        assert f"cluster {labels[row, column]}" in text
        text = text.replace("\N{MINUS SIGN}", "-")
        position = re.search(r"\d\d:\d\d:\d\d\.\d+ [+-]\d\d:\d\d:\d\d\.\d+", text)
        seen = SkyCoord(position[0], unit=("hourangle", "deg"))
        # To the pixel of the screen, on which one of the image is about ten.
        assert seen.separation(galaxy.wcs.pixel_to_world(column, row)).arcsec < 0.05
        noise = 0.01 * np.nanmedian(np.abs(galaxy.data), axis=(0, 1))
        level = np.nanmedian(galaxy.data[labels == -2], axis=0)  # of the sky
        for band, name in enumerate(galaxy.band_names):
            flux = float(re.search(rf"{name} (\S+)", text)[1])
            truth = galaxy.data[row, column, band] - level[band]
            assert flux == pytest.approx(truth, rel=0.02, abs=10 * float(noise[band]))
        mouse.click().perform()
        wait_for(page, "return Number(document.body.dataset.selected) > 0")
        same = labels == labels[row, column]
        np.testing.assert_array_equal(highlighted(page, labels.shape), same)

    def test_spectrum_of_all_shown_pixels_of_a_cluster(self, page):
        """What the page counts itself agrees with what it was given."""
        found = page.execute_script("return quartiles_of(group_at, groups.length)")
        given = of_groups(page, "quartiles")
        # Numbers have steps of a quarter of the noise.
        spread = np.ptp(given, axis=2, keepdims=True)
        assert (np.abs(np.subtract(found, given)) < 0.15 * spread).all()


class TestNames:
    """Names, colors and merges stay until they are in the folder."""

    def test_survive_a_reload_and_are_of_one_page(self, page, written, tmp_path):
        other = tmp_path / "page.html"
        other.write_bytes(written.read_bytes())
        assert not page.find_element("id", "changed").is_displayed()
        tick(page, 0, 3)
        page.find_element("id", "merge").click()
        name_first(page, "腕\u3000<b>")  # a space that no file of names may hold
        changed = of_clusters(page)
        box = page.find_elements("css selector", "#clusters [type=text]")[1]
        box.send_keys("typed")  # and not yet left
        changed[1][0] = "typed"
        assert set(cells(page, 4)) == {"\N{EN DASH}"}  # a single run has no agreement
        assert "only in this browser" in page.find_element("id", "changed").text
        open_page(page, written, kept=True)
        assert of_clusters(page) == changed
        assert changed[0][:2] == ["腕 <b>", [0, 3]]
        assert "only in this browser" in page.find_element("id", "changed").text
        open_page(page, other, kept=True)
        assert [labels for _, labels, _ in of_clusters(page)] == [[0], [1], [2], [3]]
        open_page(page, written, kept=True)
        page.find_element("id", "discard").click()
        assert not page.find_element("id", "changed").is_displayed()
        open_page(page, written, kept=True)
        assert [labels for _, labels, _ in of_clusters(page)] == [[0], [1], [2], [3]]

    def test_are_of_one_result(self, browser, lattice_job, job, galaxy, tmp_path):
        """Another one that takes the place of a page begins without them."""
        path = explore(tmp_path / "page.html", lattice_job, galaxy)
        open_page(browser, path)
        name_first(browser, "disc")
        explore(path, job, galaxy, overwrite=True)
        open_page(browser, path, kept=True)
        assert {name for name, _, _ in of_clusters(browser)} == {None}
        assert not browser.find_element("id", "changed").is_displayed()

    def test_are_no_longer_told_once_the_folder_has_them(
        self, browser, lattice_job, galaxy, tmp_path
    ):
        path = explore(tmp_path / "page.html", lattice_job, galaxy)
        open_page(browser, path)
        tick(browser, 1, 2)
        act(browser, "merge")
        name_first(browser, "disc")
        changed = of_clusters(browser)
        browser.find_element("id", "export_groups").click()
        groups = tmp_path / "groups.json"
        groups.write_text(downloaded(browser, "groups.json"), encoding="utf-8")
        groups = read_cluster_groups(groups)
        explore(path, lattice_job, galaxy, groups=groups, overwrite=True)
        open_page(browser, path, kept=True)
        assert of_clusters(browser) == changed
        assert not browser.find_element("id", "changed").is_displayed()

    def test_a_browser_that_keeps_nothing(self, browser, written):
        """As in a frame, or for files: the page works, and says what will be lost."""
        with before_pages(browser, DENIED):
            browser.get(written.as_uri())
            wait_for(browser, "return document.body.dataset.state === 'ready'")
            name_first(browser, "disc")
            assert of_clusters(browser)[0][0] == "disc"
            assert "lost with it" in browser.find_element("id", "changed").text
            set_opacity(browser, 20)
            browser.get(written.as_uri())
            wait_for(browser, "return document.body.dataset.state === 'ready'")
            assert of_clusters(browser)[0][0] is None
            assert not browser.find_element("id", "changed").is_displayed()

    @pytest.mark.parametrize(
        "kept",
        [
            "{",
            "7",
            '[{"name": null, "labels": [0, 1, 2], "color": "#123456"}]',
            '[{"name": "a{b}", "labels": [0, 1, 2, 3], "color": "#123456"}]',
            '[{"name": 7, "labels": [0, 1, 2, 3], "color": "#123456"}]',
            '[{"name": "a", "labels": [0, 1, 2, 3], "color": "url(x)"}]',
            '[{"name": "a", "labels": [0, 1, 2, 9], "color": "#123456"}]',
        ],
    )
    def test_what_another_page_wrote_is_left_out(self, page, written, kept):
        page.execute_script(
            """localStorage.setItem("skesom opacity", '"x"');
            localStorage.setItem("skesom theme", '"<b>"');
            localStorage.setItem(`skesom ${key_of_groups()}`, arguments[0])""",
            kept,
        )
        page.get_log("browser")
        open_page(page, written, kept=True)
        assert [labels for _, labels, _ in of_clusters(page)] == [[0], [1], [2], [3]]
        assert page.find_element("id", "theme").get_attribute("value") == "light dark"
        assert errors_of(page) == []


class TestWords:
    """What the summary tells of the clusters."""

    def test_names_agreement_and_reasons(self, browser, galaxy, tmp_path):
        consensus = make_clusterer("csom", n_clusters=4, n_runs=3)
        job = make_cluster_pipeline(consensus, target_fwhm=None).fit(galaxy)
        plain = {"pictures": False, "tables": False}
        files = Run(job, galaxy).write(tmp_path / "result", **plain)
        open_page(browser, explore(tmp_path / "page.html", job, galaxy))
        agreement = files.clusters["agreement"]
        assert cells(browser, 4) == [f"{100 * each:.0f} %" for each in agreement]
        rows = browser.find_elements("css selector", "#clusters .words")
        words = [
            ", ".join(filter(None, [told.name, told.difference]))
            for told in files.descriptions
        ]
        for number, (row, told) in enumerate(
            zip(rows, files.descriptions, strict=True)
        ):
            summary = row.find_element("tag name", "summary")
            low = row.rect["height"]
            summary.click()
            assert row.rect["height"] > low
            assert summary.text == f"{told.number}: {words[number]}"
            assert row.text.split("\n") == [summary.text, told.why]
        act(browser, "select_groups", [0, 1])
        act(browser, "merge")
        both = browser.find_element("css selector", "#clusters .words").text
        assert both == f"0 + 1: {' + '.join(words[:2])}"
        both = np.isin(job["cluster"].labels_, [0, 1])
        mean = job["cluster"].agreement_[both].mean()
        assert cells(browser, 4)[0] == f"{100 * mean:.0f} %"

    def test_are_read_below_the_mouse(self, page, labels):
        row, column = np.argwhere(labels == 1)[0].tolist()
        act(page, "hover", column, row)
        guess = of_groups(page, "suggestion")[1]
        assert f"cluster 1, {guess} (?)" in page.find_element("id", "readout").text
        name_first(page, "disc")
        row, column = np.argwhere(labels == 0)[0].tolist()
        act(page, "hover", column, row)
        assert "disc, unit" in page.find_element("id", "readout").text

    def test_messages_go_with_the_next_action(self, page, labels):
        message = page.find_element("id", "message")
        page.find_element("id", "merge").click()
        assert "Tick two clusters" in message.text
        tick(page, 0)
        assert message.text == ""
        page.find_element("id", "export_groups").click()
        downloaded(page, "groups.json")
        assert "Saved as" in message.text
        row, column = np.argwhere(labels == 2)[0].tolist()
        act(page, "pick", column, row)  # as Enter does
        assert message.text == ""
        page.find_element("id", "split").click()
        assert message.text
        page.find_element("css selector", "#picture option:nth-child(2)").click()
        assert message.text == ""


class TestFiles:
    """What the page saves is read by other programs."""

    def test_merged_renamed_and_colored_clusters(self, page, labels, tmp_path):
        tick(page, 0, 3)
        page.find_element("id", "merge").click()
        names = page.find_elements("css selector", "#clusters [type=text]")
        assert names[0].accessible_name == "name of cluster 0 + cluster 3"
        merged = picture(page, "map", labels.shape)[np.isin(labels, [0, 3])]
        assert len(np.unique(merged, axis=0)) == 1
        number = labels_of(page).index([2])
        names[number].send_keys("old {“disc”;}\n")  # what no region file can hold
        names[3 - number].send_keys("cluster 0 + cluster 3\n")
        assert "Another cluster is" in page.find_element("id", "message").text
        page.execute_script(
            """const color = document.querySelector("#clusters [type=color]");
            color.value = "#123456";
            color.dispatchEvent(new Event("change"));"""
        )
        page.find_element("id", "export_groups").click()
        path = tmp_path / "groups.json"
        path.write_text(downloaded(page, "groups.json"), encoding="utf-8")
        groups = read_cluster_groups(path, label_map_sha256=label_map_digest(labels))
        named = {group.labels: group.name for group in groups}
        assert named == {(0, 3): None, (1,): None, (2,): "old “disc”"}
        assert groups[0].color == "#123456"
        act(page, "select_groups", [0])
        page.find_element("id", "split").click()
        assert sorted(labels_of(page)) == [[0], [1], [2], [3]]

    def test_region_of_the_selection(self, page, labels, galaxy, tmp_path):
        """Holes, islands in them and pieces that touch at corners come back."""
        regions = pytest.importorskip("regions")
        tick(page, 1)
        page.find_element("id", "export_region").click()
        text = downloaded(page, "selection.reg")
        inside = np.zeros(labels.shape, dtype=int)
        for region in regions.Regions.parse(text, format="ds9"):
            mask = region.to_pixel(galaxy.wcs).to_mask(mode="center")
            inside += mask.to_image(labels.shape).astype(int)
        np.testing.assert_array_equal(inside, labels == 1)

    def test_outlines_of_any_pixels(self, page):
        regions = pytest.importorskip("regions")
        shape = (9, 11)
        for seed in range(4):
            wanted = np.random.default_rng(seed).random(shape) < 0.3 + 0.15 * seed
            outlines = page.execute_script(
                "return outlines_of(Uint8Array.from(arguments[0]), 11, 9)",
                wanted.astype(int).ravel().tolist(),
            )
            inside = np.zeros(shape, dtype=int)
            for corners in outlines:
                corners = regions.PixCoord(*(np.transpose(corners) - 0.5))
                polygon = regions.PolygonPixelRegion(corners)
                inside += polygon.to_mask(mode="center").to_image(shape).astype(int)
            np.testing.assert_array_equal(inside, wanted)

    def test_table_of_the_selection(self, page, labels, units, galaxy):
        page.find_element("css selector", "#clusters [type=text]").send_keys(
            '=cmd("x"), y\n'
        )
        tick(page, 0)
        page.find_element("id", "export_table").click()
        table = text_tables.read(downloaded(page, "selection.csv"), format="csv")
        rows, columns = np.nonzero(labels == 0)
        np.testing.assert_array_equal(table["x"], columns)
        np.testing.assert_array_equal(table["y"], rows)
        np.testing.assert_array_equal(table["cluster"], 0)
        np.testing.assert_array_equal(table["unit"], units[rows, columns])
        assert set(table["name"]) == {'\'=cmd("x"), y'}  # no formula
        sky = SkyCoord(table["ra"], table["dec"], unit="deg")
        truth = galaxy.wcs.pixel_to_world(columns, rows)
        assert sky.separation(truth).arcsec.max() < 0.01
        name, unit = galaxy.band_names[0], galaxy.band_units[0]
        known = np.asarray(table[f"{name} [{unit}]"])
        flux = galaxy.data[rows, columns, 0]
        flux = flux - np.nanmedian(galaxy.data[labels == -2][:, 0])  # above the sky
        # The page holds fluxes to 1 %, or to half a step of a quarter of the noise.
        steps = np.diff(galaxy.data[:, :, 0], axis=1)
        noise = mad_std(steps, ignore_nan=True) / np.sqrt(2)
        np.testing.assert_allclose(known, flux, rtol=0.01, atol=0.13 * noise)


class TestKeyboard:
    """Everything can be done without a mouse."""

    def test_tab_reaches_and_leaves_every_control(self, page):
        from selenium.webdriver import Keys

        page.execute_script("document.querySelector('details').open = true")
        # A group of radio buttons is one stop.
        expected = page.execute_script(
            """return [...document.querySelectorAll(
                "button, select, input, canvas, summary, a")].filter((each) =>
                each.checkVisibility() && (each.type !== "radio" || each.checked))
                .map((each, n) => each.dataset.stop = String(n))"""
        )
        assert len(expected) > 30
        met = []
        for _ in range(len(expected)):
            press(page, Keys.TAB)
            stop = page.switch_to.active_element
            assert stop.accessible_name or stop.text, stop.get_attribute("outerHTML")
            width = stop.value_of_css_property("outline-width")
            assert float(width.removesuffix("px")) >= 2, stop.get_attribute("outerHTML")
            met.append(stop.get_attribute("data-stop"))
        # Boxes that scroll are stops too in some browsers.
        assert set(expected) - {*met} == set()
        press(page, Keys.TAB)
        assert page.switch_to.active_element.get_attribute("data-stop") is None

    def test_list_of_clusters_can_be_skipped(self, page):
        from selenium.webdriver import Keys

        page.find_element("tag name", "h1").click()  # the window may have no focus
        skip = page.find_element("css selector", ".skip")
        page.execute_script("arguments[0].focus()", skip)
        assert skip.rect["x"] > 0  # seen with the focus
        press(page, Keys.ENTER)
        press(page, Keys.TAB)
        assert page.switch_to.active_element.get_attribute("id") in ("merge", "split")


@pytest.fixture(scope="module")
def tree_job(galaxy):
    """A fitted pipeline with a tree below five clusters."""
    consensus = ConsensusClusterer(ESOM(5), n_estimators=4, random_state=0)
    return make_cluster_pipeline(consensus, target_fwhm=None).fit(galaxy)


@pytest.fixture(scope="module")
def result_with_tree(tree_job, galaxy, source, tmp_path_factory):
    """Its result, which has a page."""
    folder = tmp_path_factory.mktemp("tree") / "result"
    plain = {"pictures": False, "tables": False}
    Run(tree_job, galaxy, source=source).write(folder, **plain)
    explore(folder / "page.html", tree_job, galaxy)
    return folder


@pytest.fixture
def tree_page(browser, result_with_tree):
    """The page with a tree, open and ready."""
    browser.get_log("browser")
    open_page(browser, result_with_tree / "page.html")
    return browser


@pytest.fixture
def names(tree_job, galaxy):
    """The same clusters in Python."""
    return ClusterNames.from_clusterer(tree_job, galaxy)


def slide_to(browser, number):
    """Move the slider by keys to a number of clusters."""
    from selenium.webdriver import Keys

    slider = browser.find_element("id", "number")
    now = int(slider.get_attribute("value"))
    key = Keys.ARROW_RIGHT if number > now else Keys.ARROW_LEFT
    slider.send_keys(*[key] * abs(number - now))
    assert browser.find_element("id", "cut").text == str(number)


def map_of(browser, shape):
    """Return the number of the group of each pixel, as painted; -1 for none."""
    colors = picture(browser, "map", shape).astype(int)
    codes = colors @ [65536, 256, 1]
    known = [int(color[1:], 16) for color in of_groups(browser, "color")]
    assert len(set(known)) == len(known)
    found = np.full(shape, -1)
    for number, code in enumerate(known):
        found[codes == code] = number
    return found


def said(browser):
    """Return what the live region says."""
    region = browser.find_element("id", "message")
    assert region.get_attribute("role") == "status"
    return region.text


def undo_by_keys(browser):
    from selenium.webdriver import ActionChains, Keys

    keys = ActionChains(browser).key_down(Keys.CONTROL).send_keys("z")
    keys.key_up(Keys.CONTROL).perform()


def redo_by_keys(browser):
    from selenium.webdriver import ActionChains, Keys

    keys = ActionChains(browser).key_down(Keys.CONTROL).key_down(Keys.SHIFT)
    keys = keys.send_keys("z").key_up(Keys.SHIFT).key_up(Keys.CONTROL)
    keys.perform()


def test_the_slider_cuts_the_tree_of_a_single_map(browser, job, galaxy, tmp_path):
    open_page(browser, explore(tmp_path / "page.html", job, galaxy))
    browser.get_log("browser")
    cube = job[:-1].transform(galaxy)
    for number in (7, 2):
        slide_to(browser, number)
        expected = job["cluster"].cut_at(number, cube).labels_
        found = map_of(browser, expected.shape)
        np.testing.assert_array_equal(found, np.maximum(expected, -1))
    assert errors_of(browser) == []


class TestTree:
    """The page does to the tree what Python does."""

    def test_slider_recolors_the_map_and_larger_parts_keep_their_color(
        self, tree_page, names
    ):
        shape = names.label_map.shape
        before = map_of(tree_page, shape)
        np.testing.assert_array_equal(before, np.maximum(names.label_map, -1))
        colors = of_groups(tree_page, "color")
        for number in (6, 7, 9, 8, 4, 2):
            slide_to(tree_page, number)
            names.cut(number)
            after = map_of(tree_page, shape)
            np.testing.assert_array_equal(after, np.maximum(names.label_map, -1))
            assert len(of_groups(tree_page, "color")) == number
            assert f"{number} clusters" in said(tree_page)
            if number in (6, 2):
                now = of_groups(tree_page, "color")
                largest = [np.bincount(after[before == n]).argmax() for n in range(2)]
                if number == 6:  # one was split: its larger part has its color
                    assert {*colors} < {*now}
                else:
                    assert {*now} < {*colors}
                    assert colors[0] == now[largest[0]]
        assert errors_of(tree_page) == []

    def test_a_cluster_is_split_into_its_children(self, tree_page, names):
        shape = names.label_map.shape
        color = of_groups(tree_page, "color")[1]
        tick(tree_page, 1)
        tree_page.find_element("id", "split").click()
        names.split(1)
        after = map_of(tree_page, shape)
        np.testing.assert_array_equal(after, np.maximum(names.label_map, -1))
        text = said(tree_page)
        assert text.startswith("Split into “cluster 1a” (")
        assert "“cluster 1b” (" in text
        larger = next(
            n for n, group in enumerate(of_titles(tree_page)) if "1a" in group
        )
        assert of_groups(tree_page, "color")[larger] == color

    def test_two_of_one_name_are_one(self, tree_page, names):
        for number in (0, 3):
            box = tree_page.find_elements("css selector", "#clusters [type=text]")
            box[number].send_keys("disc\n")
            names.name(number, "disc")
        assert "Joined with the other “disc”" in said(tree_page)
        assert of_groups(tree_page, "name") == [*names.names]
        after = map_of(tree_page, names.label_map.shape)
        np.testing.assert_array_equal(after, np.maximum(names.label_map, -1))

    def test_a_place_is_taught_and_the_nearest_parts_take_its_name(
        self, tree_page, names
    ):
        """By mouse, then by keys; the same places are offered as in Python."""
        from selenium.webdriver import Keys

        row, column = map(int, np.argwhere(names.label_map == 0)[40])
        at_pixel(tree_page, column, row).click().perform()
        wait_for(tree_page, "return choice('place').textContent.startsWith('The ring')")
        text = tree_page.find_element("id", "place").text
        assert f"The ring is at x {column}, y {row}, in cluster 0" in text
        word = tree_page.find_element("id", "word")
        word.send_keys("disc")
        tree_page.find_element("id", "say").click()
        names.say((row, column), "disc")
        assert said(tree_page).startswith("“disc” is ")
        for number in range(6):
            tree_page.find_element("id", "offer").send_keys(Keys.ENTER)
            place = names.offer()
            y, x = place.pixel
            assert f"What is this? It is at x {x}, y {y}, in" in said(tree_page)
            assert n_selected(tree_page) == place.n_pixels
            assert tree_page.switch_to.active_element == word
            press(tree_page, f"kind {number % 3}", Keys.ENTER)
            names.say(place.pixel, f"kind {number % 3}")
            assert of_groups(tree_page, "name") == [*names.names]
            after = map_of(tree_page, names.label_map.shape)
            np.testing.assert_array_equal(after, np.maximum(names.label_map, -1))
        slide_to(tree_page, 8)  # what was said stays
        names.cut(8)
        assert of_groups(tree_page, "name") == [*names.names]
        after = map_of(tree_page, names.label_map.shape)
        np.testing.assert_array_equal(after, np.maximum(names.label_map, -1))

    def test_steps_are_undone_and_redone_by_keys(self, tree_page):
        from selenium.webdriver import Keys

        states = [of_state(tree_page)]
        slide_to(tree_page, 7)
        states += [None, of_state(tree_page)]  # two steps of the slider
        tick(tree_page, 0)
        tree_page.find_element("id", "split").click()
        states.append(of_state(tree_page))
        tree_page.find_element("id", "offer").click()
        press(tree_page, "dust", Keys.ENTER)
        states.append(of_state(tree_page))
        box = tree_page.find_elements("css selector", "#clusters [type=text]")[2]
        box.send_keys("arms\n")
        states.append(of_state(tree_page))
        for state in states[-2::-1]:
            undo_by_keys(tree_page)
            assert "Undone" in said(tree_page)
            assert state is None or of_state(tree_page) == state
        undo_by_keys(tree_page)
        assert said(tree_page) == "Nothing to undo."
        for state in states[1:]:
            redo_by_keys(tree_page)
            assert "Done again" in said(tree_page)
            assert state is None or of_state(tree_page) == state
        redo_by_keys(tree_page)
        assert said(tree_page) == "Nothing to redo."
        assert errors_of(tree_page) == []

    def test_a_text_that_is_typed_has_its_own_undo(self, tree_page):
        tick(tree_page, 0)
        tree_page.find_element("id", "split").click()
        before = of_state(tree_page)
        tree_page.find_element("id", "word").send_keys("dus")
        undo_by_keys(tree_page)
        assert of_state(tree_page) == before

    def test_what_an_earlier_version_kept_is_taken(self, tree_page, result_with_tree):
        """Clusters of the run, with names and colors."""
        kept = [
            {"name": "disc", "labels": [0, 3], "color": "#123456"},
            {"name": None, "labels": [1], "color": "#abcdef"},
            {"name": None, "labels": [2], "color": "#00ff00"},
            {"name": "knots", "labels": [4], "color": "#ff0000"},
        ]
        tree_page.execute_script(
            "localStorage.setItem(`skesom ${key_of_groups()}`, arguments[0])",
            json.dumps(kept),
        )
        open_page(tree_page, result_with_tree / "page.html", kept=True)
        expected = [[each["name"], each["labels"], each["color"]] for each in kept]
        assert of_clusters(tree_page) == expected

    def test_words_survive_a_reload(self, tree_page, result_with_tree):
        from selenium.webdriver import Keys

        tree_page.find_element("id", "word").click()
        for name in ("disc", "dust", "disc"):
            press(tree_page, Keys.ENTER)  # goes to the next place
            press(tree_page, name, Keys.ENTER)
        assert len(of_state(tree_page)[1]) > 1
        assert sum(map(len, of_groups(tree_page, "said"))) == 3
        before = of_state(tree_page)[1]
        open_page(tree_page, result_with_tree / "page.html", kept=True)
        assert of_state(tree_page)[1] == before
        tree_page.find_element("id", "discard").click()
        assert set(of_groups(tree_page, "name")) == {None}
        undo_by_keys(tree_page)
        assert of_state(tree_page)[1] == before

    def test_what_is_saved_is_given_to_all_files(
        self, tree_page, result_with_tree, names, tmp_path
    ):
        from selenium.webdriver import Keys

        for number in range(8):
            tree_page.find_element("id", "offer").click()
            press(tree_page, f"kind {number % 4}", Keys.ENTER)
            names.say(names.offer().leaf, f"kind {number % 4}")
        tree_page.find_element("id", "export_groups").click()
        groups = tmp_path / "saved.json"
        groups.write_text(downloaded(tree_page, "groups.json"), encoding="utf-8")
        assert json.loads(groups.read_text())["version"] == 2
        out = tmp_path / "named"
        command = "name", result_with_tree, groups, "-o", out, "--trust"
        assert main([str(each) for each in command]) == 0
        label_map, _ = read_map(out / "cluster_map.fits")
        np.testing.assert_array_equal(label_map, names.label_map)
        table = Table.read(out / "clusters.ecsv")
        assert table["name"].tolist() == [
            name or str(n) for n, name in enumerate(names.names)
        ]
        assert table["color"].tolist() == of_groups(tree_page, "color")
        open_page(tree_page, out / "page.html")  # begins where the other one ended
        assert of_groups(tree_page, "name") == [*names.names]
        assert not tree_page.find_element("id", "changed").is_displayed()
        tree_page.find_element("id", "export_groups").click()
        again = json.loads(downloaded(tree_page, "groups.json"))
        assert again["clusters"] == json.loads(groups.read_text())["clusters"]

    def test_whole_clusters_are_saved_for_earlier_versions(self, tree_page):
        tick(tree_page, 0, 2)
        tree_page.find_element("id", "merge").click()
        tree_page.find_element("id", "export_groups").click()
        content = json.loads(downloaded(tree_page, "groups.json"))
        assert content["version"] == 1
        labels = sorted(each["labels"] for each in content["clusters"])
        assert labels == [[0, 2], [1], [3], [4]]

    def test_without_a_tree_there_are_no_controls_of_it(
        self, browser, galaxy, tmp_path
    ):
        open_job(browser, KMeans(3, n_init=1, random_state=0), galaxy, tmp_path)
        for name in ("number", "offer", "word", "say", "place"):
            assert not browser.find_element("id", name).is_displayed()
        tick(browser, 0, 1)
        browser.find_element("id", "merge").click()
        undo_by_keys(browser)
        assert labels_of(browser) == [[0], [1], [2]]
        assert errors_of(browser) == []

    def test_a_tree_of_one_leaf(self, browser, galaxy, tmp_path, monkeypatch):
        tree = LeafTree(np.empty((0, 2), int), np.empty(0), np.zeros(1, dtype=int))
        home = "skesom.report.result"
        monkeypatch.setattr(f"{home}.has_leaves", lambda step: True)
        monkeypatch.setattr(f"{home}.leaf_tree", lambda step: tree)
        monkeypatch.setattr(f"{home}.leaf_labels", lambda last, rows, errors: 0)
        open_job(browser, ESOM(n_clusters=1, random_state=0), galaxy, tmp_path)
        tick(browser, 0)
        browser.find_element("id", "split").click()
        assert said(browser) == "This cluster has no parts."
        browser.find_element("id", "offer").click()
        press(browser, "all\n")
        assert of_groups(browser, "name") == ["all"]
        browser.find_element("id", "offer").click()
        assert said(browser) == "Something is known of every place."
        undo_by_keys(browser)
        assert of_groups(browser, "name") == [None]
        assert errors_of(browser) == []

    def test_size_of_the_page(self, tree_job, galaxy, tmp_path, monkeypatch):
        """Leaves of pixels and the tree take little beside the fluxes."""
        pages = [explore(tmp_path / "with.html", tree_job, galaxy)]
        monkeypatch.setattr("skesom.report.result.has_leaves", lambda step: False)
        pages.append(explore(tmp_path / "without.html", tree_job, galaxy))
        large, small = (page.stat().st_size for page in pages)
        assert small < large < 1.1 * small


def of_titles(browser):
    """Return how the page calls each cluster."""
    return browser.execute_script("return groups.map(title_of)")


def of_state(browser):
    """Return what is undone and redone."""
    return browser.execute_script("return [n_cut, state_of(groups)]")


class TestKeyboardOfTheTree:
    """Everything can be done without a mouse."""

    def test_the_ring_is_moved_by_keys(self, tree_page, names):
        from selenium.webdriver import Keys

        row, column = map(int, np.argwhere(names.label_map == 1)[9])
        tree_page.find_element("tag name", "h1").click()
        tree_page.execute_script(
            "sky_view.canvas.focus(); sky_view.move_to(...arguments)", column, row
        )
        press(tree_page, Keys.ENTER)
        text = tree_page.find_element("id", "place").text
        assert f"The ring is at x {column}, y {row}, in cluster 1" in text

    def test_cross_moves_reads_and_selects(self, page, labels):
        from selenium.webdriver import ActionChains, Keys

        row, column = np.argwhere(labels == 2)[0].tolist()
        page.find_element("tag name", "h1").click()  # the window may have no focus
        page.execute_script(
            "sky_view.canvas.focus(); sky_view.move_to(...arguments)",
            column - 2,
            row + 9,
        )
        press(page, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
        keys = ActionChains(page).key_down(Keys.SHIFT).send_keys(Keys.ARROW_DOWN)
        keys.key_up(Keys.SHIFT).perform()
        assert f"x {column}, y {row}" in page.find_element("id", "readout").text
        press(page, Keys.ENTER)
        assert n_selected(page) == (labels == 2).sum()
        press(page, Keys.ESCAPE)
        assert page.execute_script("return chosen") is None
        before = page.execute_script("return sky_view.scale")
        press(page, "+")
        assert page.execute_script("return sky_view.scale") == 1.5 * before
        press(page, "0")
        assert page.execute_script("return sky_view.is_whole")


def focus_at(browser, view, column, row):
    """Give the focus to a picture, with a place below its cross."""
    browser.find_element("tag name", "h1").click()  # the window may have no focus
    browser.execute_script(
        f"{view}.canvas.focus(); {view}.move_to(...arguments)", column, row
    )


def told(browser):
    """Return the texts of both live regions: for all, and for screen readers alone."""
    regions = [browser.find_element("id", name) for name in ("message", "spoken")]
    assert [each.get_attribute("role") for each in regions] == ["status"] * 2
    assert [each.get_attribute("aria-live") for each in regions] == ["polite"] * 2
    return [each.get_property("textContent") for each in regions]


class TestDrawingByKeys:
    """Box and lasso are drawn by keys, and take the pixels that are marked."""

    def test_box_takes_both_corners_and_all_between(self, page, labels):
        from selenium.webdriver import ActionChains, Keys

        focus_at(page, "sky_view", 9, 5)
        press(page, "b", " ")
        assert page.find_element("css selector", "[value=box]").is_selected()
        assert "Corner 1 of the box: x 9, y 5" in told(page)[0]
        keys = ActionChains(page).key_down(Keys.SHIFT)
        keys.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP).key_up(Keys.SHIFT).perform()
        press(page, Keys.ARROW_RIGHT, Keys.ENTER)
        inside = np.zeros(labels.shape, dtype=bool)
        inside[5:16, 9:21] = True
        assert n_selected(page) == inside.sum()
        share = 100 * inside.mean()
        assert told(page)[1] == f"Selected: 132 pixels, {share:.3g} % of the picture."
        np.testing.assert_array_equal(highlighted(page, labels.shape), inside)

    @pytest.mark.parametrize(("column", "row"), [(30, 20), (29.5, 20.3)])
    def test_second_space_ends_a_box_of_one_pixel(self, page, labels, column, row):
        """That below the cross, also between two pixels, as in the whole image."""
        focus_at(page, "sky_view", column, row)
        press(page, "b", " ", " ")
        inside = np.zeros(labels.shape, dtype=bool)
        inside[20, 30] = True
        np.testing.assert_array_equal(highlighted(page, labels.shape), inside)

    def test_lasso_takes_what_is_inside_and_on_its_outline(self, page, labels):
        from selenium.webdriver import Keys

        focus_at(page, "sky_view", 10, 10)
        press(page, "l", " ")
        press(page, *[Keys.ARROW_RIGHT] * 6, " ")
        press(page, *[Keys.ARROW_UP] * 6, " ", Keys.ENTER)  # marked, and then ended
        rows, columns = np.indices(labels.shape)
        triangle = (columns <= 16) & (rows >= 10) & (columns >= rows)
        # The outline may touch the pixels beside the diagonal.
        beside = (columns <= 16) & (rows >= 10) & (columns >= rows - 1)
        found = highlighted(page, labels.shape)
        assert found[triangle & (columns >= 10)].all()
        assert not found[~beside | (columns < 10)].any()

    def test_units_are_drawn_around(self, page, labels, units):
        from selenium.webdriver import Keys

        wide = page.execute_script(
            """const at = (unit) => [arrays.unit_x[unit], arrays.unit_y[unit]];
            const [[x0, y0], [x1]] = [at(3), at(4)];
            choice("units").focus();
            units_view.move_to(x0, y0);
            return Math.round(Math.abs(x1 - x0) / units_view.step)"""
        )
        press(page, "b", " ")
        assert "Corner 1 of the box: unit 3." in told(page)[0]
        press(page, *[Keys.ARROW_RIGHT] * wide)
        assert told(page)[1].startswith("Unit 4: ")
        press(page, Keys.ENTER)
        wanted = np.isin(units, [3, 4])
        np.testing.assert_array_equal(highlighted(page, labels.shape), wanted)

    def test_corners_are_taken_back_and_the_rest_is_dropped(self, page, labels):
        from selenium.webdriver import Keys

        row, column = np.argwhere(labels == 1)[30].tolist()
        focus_at(page, "sky_view", column, row)
        press(page, " ")
        assert "Press B for a box or L for a lasso first" in told(page)[0]
        press(page, "l", " ", Keys.ENTER)
        assert told(page)[0] == "A lasso needs three corners; one is marked."
        press(page, Keys.ARROW_UP, Keys.ENTER)
        assert told(page)[0] == "A lasso needs three corners; two are marked."
        press(page, " ", Keys.BACKSPACE)
        assert told(page)[0] == "The last corner is taken back; 1 left."
        act(page, "select_groups", [0])
        press(page, Keys.ESCAPE)  # drops the lasso, and leaves the selection
        assert told(page)[0] == "The lasso is dropped."
        assert n_selected(page) > 0
        press(page, Keys.ESCAPE)
        assert told(page)[1] == "Nothing is selected."
        assert n_selected(page) == 0
        page.execute_script("sky_view.move_to(...arguments)", column, row)
        press(page, " ", "m", Keys.ENTER)  # another tool drops it, too
        assert n_selected(page) == (labels == 1).sum()
        assert errors_of(page) == []

    def test_what_is_drawn_is_seen(self, page):
        """Pixels of the picture inside of the box change before it is ended."""
        from selenium.webdriver import Keys

        script = """sky_view.draw();
            const [x, y] = sky_view.to_screen(14, 16).map(
                (place) => Math.round(place * devicePixelRatio));
            const context = sky_view.canvas.getContext("2d");
            return [...context.getImageData(x, y, 1, 1).data]"""
        focus_at(page, "sky_view", 20, 20)
        press(page, "b", " ", *[Keys.ARROW_LEFT] * 10, *[Keys.ARROW_DOWN] * 10)
        within = page.execute_script(script)
        press(page, Keys.ESCAPE)
        assert page.execute_script(script) != within

    def test_every_key_is_in_the_help(self, page):
        keys = page.find_elements("css selector", ".keys th[scope=row]")
        listed = " ".join(each.text for each in keys)
        letters = page.execute_script("return Object.keys(TOOL_KEYS)")
        wanted = ["Arrow keys", "Enter", "Space", "Backspace", "Escape", "+", "0"]
        for key in wanted + [letter.upper() for letter in letters]:
            assert key in listed
        for name in ("sky", "units"):
            target = page.find_element("id", name).get_attribute("aria-describedby")
            assert page.find_element("id", target).is_displayed()


class TestNothingIsSilent:
    """A live region says what each key and button did."""

    def test_arrows_read_what_is_below_the_cross(self, page, labels, galaxy):
        from selenium.webdriver import Keys

        row, column = np.argwhere(labels == 1)[30].tolist()
        focus_at(page, "sky_view", column - 1, row)
        press(page, Keys.ARROW_RIGHT)
        shown = page.find_elements("css selector", "#readout span")
        spoken = told(page)[1].split(", ")
        assert spoken[:2] == [f"x {column}", f"y {row}"]
        assert spoken[2] == "cluster 1"
        # All that is seen is said, and the position on the sky comes last.
        assert shown[1].text == spoken[-1]
        assert {*", ".join(each.text for each in shown).split(", ")} == {*spoken}
        for name in galaxy.band_names:
            assert any(each.startswith(name) for each in spoken)
        press(page, *[Keys.ARROW_DOWN] * (row + 1))
        assert told(page)[1].startswith(f"At the edge, x {column}, y 0, ")
        before = told(page)
        press(page, Keys.ARROW_DOWN)
        assert told(page) != before  # else it would not be read again

    def test_mouse_moves_are_not_read(self, page):
        """They would never end."""
        at_pixel(page, 20, 10)
        at_pixel(page, 30, 20)
        assert "x 30, y 20" in page.find_element("id", "readout").text
        assert told(page) == ["", ""]

    def test_each_button_and_key(self, tree_page):
        """And no button of the page is left out here."""
        from selenium.webdriver import ActionChains, Keys

        def click(name):
            button = tree_page.find_element("id", name)
            tree_page.execute_script("arguments[0].focus()", button)
            press(tree_page, Keys.ENTER)

        def control(key):
            keys = ActionChains(tree_page).key_down(Keys.CONTROL).send_keys(key)
            keys.key_up(Keys.CONTROL).perform()

        def by_script(script):
            return lambda: tree_page.execute_script(script)

        focus = "choice('{}').focus()"
        pressed = set()
        steps = [
            ("nearer", "Zoom: 1.5 times"),
            ("farther", "Zoom: 1.0 times"),
            ("whole", "The whole is seen"),
            ("blink", "The map blinks"),
            ("blink", "The map is seen"),
            ("offer", "What is this?"),
            ("say", "Type what the place is"),
            ("export_groups", "Saved as groups.json"),
            ("export_region", "Saved as selection.reg"),
            ("export_table", "Saved as selection.csv"),
            ("clear", "Nothing is selected."),
            ("export_region", "Select pixels first"),
            ("export_table", "Select pixels first"),  # the same text is read again
            ("merge", "Tick two clusters"),
            ("split", "Tick a cluster"),
            (lambda: tick(tree_page, 0), "Selected: cluster 0"),
            (lambda: tick(tree_page, 1), "Selected: cluster 0"),
            (lambda: tick(tree_page, 1), "Selected: cluster 0"),
            ("split", "Split into “cluster 0a”"),
            ("undo", "Undone: 5 clusters"),
            ("redo", "Done again: 6 clusters"),
            (lambda: control("z"), "Undone: 5 clusters"),
            (lambda: control("z"), "Nothing to undo"),
            (lambda: control("z"), "Nothing to undo"),
            (lambda: control("y"), "Done again: 6 clusters"),
            (lambda: slide_to(tree_page, 7), "7 clusters"),
            (lambda: slide_to(tree_page, 4), "4 clusters"),
            (lambda: name_first(tree_page, "disc"), "Named “disc”"),
            (
                by_script(
                    """const color = document.querySelector("#clusters [type=color]");
                    color.value = "#123456";
                    color.dispatchEvent(new Event("change"))"""
                ),
                "The color of disc is #123456",
            ),
            ("discard", "are those of the folder"),
            (by_script(focus.format("sky")), None),
            (lambda: press(tree_page, Keys.ARROW_UP), "x "),
            (lambda: press(tree_page, "b"), "Tool: box"),
            (lambda: press(tree_page, "l"), "Tool: lasso"),
            (lambda: press(tree_page, " "), "Corner 1 of the lasso"),
            (lambda: press(tree_page, Keys.BACKSPACE), "The last corner"),
            (lambda: press(tree_page, "m"), "Tool: move"),
            (lambda: press(tree_page, "+"), "Zoom: 1.5 times"),
            (lambda: press(tree_page, "0"), "The whole is seen"),
            (lambda: press(tree_page, Keys.ENTER), "The ring is at x "),
            (lambda: press(tree_page, Keys.ESCAPE), "Nothing is selected"),
            (by_script(focus.format("units")), None),
            (lambda: press(tree_page, Keys.ARROW_UP), "nit"),
            ("full", "Full screen"),
            ("full", "No longer full screen"),
        ]
        for step, expected in steps:
            before = told(tree_page)
            if callable(step):
                step()
            else:
                click(step)
                pressed.add(step)
            if expected is None:
                continue
            wait_for(
                tree_page,
                f"""return {json.dumps(before)}.join() !==
                choice("message").textContent + "," + choice("spoken").textContent""",
            )
            after = told(tree_page)
            new = [b for a, b in zip(before, after, strict=True) if a != b]
            assert any(expected in each for each in new), (step, before, after)
        for name in ("groups.json", "selection.reg", "selection.csv"):
            downloaded(tree_page, name)
        buttons = tree_page.find_elements("css selector", "button")
        assert {each.get_attribute("id") for each in buttons} == pressed
        assert errors_of(tree_page) == []

    def test_selection_by_a_click_says_cluster_and_place(self, tree_page, names):
        row, column = map(int, np.argwhere(names.label_map == 0)[40])
        at_pixel(tree_page, column, row).click().perform()
        wait_for(tree_page, "return choice('spoken').textContent !== ''")
        n_pixels = (names.label_map == 0).sum()
        spoken = told(tree_page)[1]
        assert spoken.startswith("Selected: cluster 0")
        assert f": {n_pixels:,} pixels, " in spoken
        assert f"The ring is at x {column}, y {row}, in cluster 0" in spoken


class TestFocus:
    """The focus is never lost, and never kept."""

    def test_stays_in_the_list_when_it_is_written_again(self, tree_page):
        tick(tree_page, 0)
        tree_page.find_element("id", "split").click()
        n_rows = len(cells(tree_page, 3))
        boxes = tree_page.find_elements("css selector", "#clusters [type=text]")
        tree_page.execute_script("arguments[0].focus()", boxes[1])
        undo_by_keys(tree_page)
        name = "return document.activeElement.ariaLabel"
        assert tree_page.execute_script(name) == "name of cluster 1"
        redo_by_keys(tree_page)
        boxes = tree_page.find_elements("css selector", "#clusters [type=color]")
        tree_page.execute_script("arguments[0].focus()", boxes[-1])
        undo_by_keys(tree_page)
        assert len(cells(tree_page, 3)) == n_rows - 1  # the last row is gone
        assert tree_page.execute_script(name) == "color of cluster 4"

    def test_is_on_undo_when_the_changes_are_discarded(self, page):
        from selenium.webdriver import Keys

        name_first(page, "disc")
        button = page.find_element("id", "discard")
        page.execute_script("arguments[0].focus()", button)
        press(page, Keys.ENTER)
        assert not button.is_displayed()
        assert page.switch_to.active_element.get_attribute("id") == "undo"

    def test_leaves_a_picture_in_which_a_lasso_is_begun(self, page):
        from selenium.webdriver import ActionChains, Keys

        for view, name in (("sky_view", "sky"), ("units_view", "units")):
            focus_at(page, view, *page.execute_script(f"return {view}.center"))
            press(page, "l", " ", Keys.TAB)
            active = page.switch_to.active_element.get_attribute("id")
            assert active != name
            page.execute_script(f"choice('{name}').focus()")
            keys = ActionChains(page).key_down(Keys.SHIFT).send_keys(Keys.TAB)
            keys.key_up(Keys.SHIFT).perform()
            assert page.switch_to.active_element.get_attribute("id") != name


@contextmanager
def with_media(browser, name, value):
    """Let the system ask for something, such as less motion."""
    features = [{"name": name, "value": value}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_blink_takes_a_press_for_each_turn_where_less_motion_is_asked_for(page):
    button = page.find_element("id", "blink")
    with with_media(page, "prefers-reduced-motion", "reduce"):
        button.click()
        assert page.execute_script("return [is_map_off, blinking ?? null]") == [
            True,
            None,
        ]
        assert told(page)[1] == "The map is hidden."
        time.sleep(0.9)  # longer than a turn
        assert page.execute_script("return is_map_off") is True
        button.click()
        assert page.execute_script("return is_map_off") is False
        assert button.get_attribute("aria-pressed") == "false"
        assert told(page)[1] == "The map is seen."


def test_colors_that_mean_something_stay_with_forced_colors(page):
    """Swatches, lines of spectra and the state of a button."""
    found = """const style = (query, name) =>
            getComputedStyle(document.querySelector(query))[name];
        return [style(".swatch", "backgroundColor"), style("#spectra g", "stroke"),
            style("#scale", "backgroundImage")]"""
    pressed = page.find_element("id", "blink")
    plain = page.execute_script(found)
    with with_media(page, "forced-colors", "active"):
        assert page.execute_script("return matchMedia('(forced-colors)').matches")
        assert page.execute_script(found) == plain
        before = pressed.value_of_css_property("background-color")
        pressed.click()
        assert pressed.value_of_css_property("background-color") != before
        pressed.click()


@pytest.mark.parametrize(
    ("width", "height", "zoom"),
    [(750, 650, 2), (320, 256, 4)],
    ids=["200 %", "400 %"],
)
def test_enlarged_pages_need_no_scrolling_across(browser, written, width, height, zoom):
    """A window of 1500 x 1300, or of 1280 x 1024, that the browser enlarges."""
    size = {"width": width, "height": height, "deviceScaleFactor": zoom}
    command = "Emulation.setDeviceMetricsOverride"
    browser.execute_cdp_cmd(command, size | {"mobile": False})
    try:
        open_page(browser, written)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width
        outside = browser.execute_script(
            """const controls = "button, select, input, canvas, th";
            return [...document.querySelectorAll(controls)]
                .filter((each) => each.checkVisibility())
                .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
                .map((each) => each.outerHTML)"""
        )
        assert outside == []
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


class TestPicture:
    """What the largest part of the page shows."""

    def test_fills_the_window_and_the_screen(self, page):
        rect = page.find_element("id", "sky").rect
        size = page.get_window_size()
        assert rect["width"] * rect["height"] > 0.45 * size["width"] * size["height"]
        page.find_element("id", "full").click()
        wait_for(page, "return document.fullscreenElement === choice('stage')")
        wait_for(page, "return choice('full').textContent === 'Leave full screen'")
        names = [li.text for li in page.find_elements("css selector", "#legend li")]
        guess = of_groups(page, "suggestion")[0]
        assert names[0] == f"cluster 0, {guess} (?)"
        inside = page.execute_script("return [innerWidth, innerHeight]")
        grown = page.find_element("id", "sky").rect
        assert grown["width"] * grown["height"] > 0.6 * inside[0] * inside[1]
        page.find_element("id", "full").click()
        wait_for(page, "return document.fullscreenElement === null")

    def test_opacity_and_blink(self, page, labels):
        row, column = np.argwhere(labels == 1)[0].tolist()
        shown = {
            name: picture(page, name, labels.shape)[row, column].tolist()
            for name in ("image", "map")
        }
        assert shown["image"] != shown["map"]
        script = f"""sky_view.draw();
            const [x, y] = sky_view.to_screen({column}, {row}).map(
                (place) => Math.round(place * devicePixelRatio));
            const context = sky_view.canvas.getContext("2d");
            return [...context.getImageData(x, y, 1, 1).data].slice(0, 3)"""
        # At first both are seen.
        mixed = np.mean([shown["image"], shown["map"]], axis=0)
        np.testing.assert_allclose(page.execute_script(script), mixed, atol=1.01)
        page.execute_script("choice('opacity').value = 100")
        assert page.execute_script(script) == shown["map"]
        page.execute_script("choice('opacity').value = 0")
        assert page.execute_script(script) == shown["image"]
        page.execute_script("choice('opacity').value = 100")
        button = page.find_element("id", "blink")
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        assert page.execute_script(script) == shown["image"]
        wait_for(page, f"return String((() => {{{script}}})()) === '{_text(shown)}'")
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
        assert page.execute_script(script) == shown["map"]

    def test_bands_can_be_shown(self, page, labels, galaxy):
        before = picture(page, "image", labels.shape)
        option = page.find_elements("css selector", "#picture option")[1]
        assert option.text == galaxy.band_names[0]
        option.click()
        band = picture(page, "image", labels.shape)
        known = labels >= 0
        assert (band != before)[known].any()
        assert (band[known] == band[known][:, :1]).all()  # gray
        order = np.argsort(galaxy.data[:, :, 0][known], kind="stable")
        assert (np.diff(band[known][order][:, 0].astype(int)) >= 0).all()

    def test_objects_are_hidden_at_first(self, page, galaxy):
        assert page.execute_script("return seen_objects().length") == 0
        act(page, "hover", 20, 10)
        assert "first" not in page.find_element("id", "readout").text
        page.find_element("tag name", "summary").click()
        boxes = page.find_elements("css selector", "#objects label")
        texts = ["H II region (2)", "supernova remnant (1)"]
        assert [box.text[1:] for box in boxes] == texts  # after the symbol
        boxes[0].click()
        act(page, "hover", 20, 10)
        assert "first (H II region)" in page.find_element("id", "readout").text

    def test_sky_is_told_from_missing_data(self, browser, job, galaxy, tmp_path):
        open_page(browser, explore(tmp_path / "page.html", job, galaxy))
        labels = job["cluster"].labels_
        colors = picture(browser, "map", labels.shape)
        assert np.unique(colors[labels == -2], axis=0).tolist() == [[0x1D, 0x22, 0x36]]
        # Hatched, as no other part of the map.
        missing = np.unique(colors[labels == -3], axis=0).tolist()
        assert missing == [[0xB4, 0xB8, 0xC2], [0xE1, 0xE3, 0xE8]]
        for label, text in ((-2, "sky, set aside"), (-3, "no data")):
            row, column = np.argwhere(labels == label)[0].tolist()
            act(browser, "hover", column, row)
            assert text in browser.find_element("id", "readout").text
        entries = browser.find_elements("css selector", "#legend li:not(.cluster)")
        assert [entry.text for entry in entries] == ["sky, set aside", "no data"]
        share = np.mean(labels[labels != -3] == -2)
        text = browser.find_element("tag name", "body").text
        assert f"{share:.1%} set aside as sky" in text


def _text(shown):
    return ",".join(map(str, shown["map"]))


def turned(galaxy, angle):
    """Return the galaxy with its sky turned by an angle in degrees."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = [0.01, 62.0], [40, 30], [-3e-4, 3e-4]
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.pc = [[cos, -sin], [sin, cos]]
    return Cube(galaxy.data, wcs=wcs, band_names=galaxy.band_names)


@pytest.mark.parametrize("angle", [0, 30, 84.85, 200])
def test_axes_and_compass_of_a_turned_sky(browser, galaxy, tmp_path, angle):
    """Each tick is where the sky has what it says, also where 24 h are passed."""
    cube = turned(galaxy, angle)
    open_job(browser, KMeans(2, n_init=1, random_state=0), cube, tmp_path)
    written, directions = browser.execute_script(
        """const written = [];
        const context = sky_view.canvas.getContext("2d");
        context.fillText = (text, x, y) => written.push([text, x, y]);
        draw_axes(context, sky_view);
        delete context.fillText;
        const [left, , bottom] = sky_view.seen();
        const [x0, y0] = sky_view.to_screen(left, bottom);
        const ticks = written.filter(([text]) => text.includes(":"))
            .map(([text, x, y]) => [text, ...(y > y0 + 1 ? sky_view.to_data(x, y0)
                : sky_view.to_data(x0, y))]);
        return [ticks, directions_at(40, 30)]"""
    )
    signs = {text[0] in "+\N{MINUS SIGN}" for text, _, _ in written}
    assert signs == {True, False}  # both coordinates
    assert len(written) >= 5
    for text, x, y in written:
        sky = cube.wcs.pixel_to_world(x, y).icrs
        text = text.replace("\N{MINUS SIGN}", "-")
        if text[0] in "+-":
            found = SkyCoord(sky.ra, text, unit=("deg", "deg"))
        else:
            found = SkyCoord(text, sky.dec, unit=("hourangle", "deg"))
        assert found.separation(sky).arcsec < 0.05, text  # of pixels of 1.08
    for name, offset in (("north", 0.0), ("east", 90.0)):
        here = cube.wcs.pixel_to_world(40, 30)
        step = np.array(directions[name])
        there = cube.wcs.pixel_to_world(*([40, 30] + step))
        turn = (here.position_angle(there).deg - offset + 180) % 360 - 180
        assert abs(turn) < 0.5


def test_views_are_sized_at_once(browser, written):
    """A key or a script may come before the first answer of the observer of sizes."""
    with before_pages(browser, "window.ResizeObserver = class { observe() {} }"):
        open_page(browser, written)
        for view in ("sky_view", "units_view"):
            seen, bounds = browser.execute_script(
                f"return [{view}.seen(), {view}.bounds]"
            )
            assert seen == bounds
            wait_for(
                browser,
                f"""const {{ width, height }} = {view}.canvas;
                const context = {view}.canvas.getContext("2d");
                return context.getImageData(0, 0, width, height).data.some(Boolean)""",
            )


def test_a_narrow_page_has_no_blank_bands(browser, written):
    size = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        open_page(browser, written)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide == 400
        for box in (".list", "#stage"):
            script = f"return document.querySelector('{box}')"
            sizes = [f"{script}.{n}Width" for n in ("scroll", "client")]
            assert len({browser.execute_script(each) for each in sizes}) == 1
        for view in ("sky_view", "units_view"):
            size, bounds, scale = browser.execute_script(
                f"return [{view}.size, {view}.bounds, {view}.scale]"
            )
            left, right, bottom, top = bounds
            shown = [scale * (right - left), scale * (top - bottom)]
            assert size == pytest.approx(shown, abs=1.5)  # of whole pixels
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_pixels_without_a_sky(browser, galaxy, tmp_path):
    blind = Cube(galaxy.data, band_names=galaxy.band_names)
    open_job(browser, KMeans(2, n_init=1, random_state=0), blind, tmp_path)
    act(browser, "hover", 5, 6)
    assert "no sky coordinates" in browser.find_element("id", "readout").text
    act(browser, "select_where", [1] + [0] * (blind.data[:, :, 0].size - 1))
    act(browser, "export_region")
    lines = downloaded(browser, "selection.reg").splitlines()
    assert lines[1] == "image"  # counts from 1
    corners = np.reshape(re.findall(r"[\d.]+", lines[2]), (-1, 2)).astype(float)
    assert corners.min(axis=0).tolist() == [0.5, 0.5]
    assert corners.max(axis=0).tolist() == [1.5, 1.5]
    assert errors_of(browser) == []


def test_dark_and_light(page, written):
    def brightness():
        color = page.find_element("id", "stage").value_of_css_property(
            "background-color"
        )
        return sum(map(int, re.findall(r"\d+", color)[:3]))

    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    try:
        assert brightness() < 150
        page.find_element("css selector", "#theme [value=light]").click()
        assert brightness() > 700
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    page.find_element("css selector", "#theme [value=dark]").click()
    assert brightness() < 150
    set_opacity(page, 35)
    open_page(page, written, kept=True)  # both choices are kept
    assert brightness() < 150
    assert page.find_element("id", "opacity").get_attribute("value") == "35"


def test_frame_of_a_notebook(browser, written, tmp_path):
    shown = written._repr_html_()
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{shown}", encoding="utf-8")
    browser.get(path.as_uri())
    browser.switch_to.frame(0)
    wait_for(browser, "return document.body.dataset.state === 'ready'")
    assert len(cells(browser, 3)) == 4
    browser.switch_to.default_content()


@pytest.mark.parametrize(
    ("clusterer", "n_clusters"),
    [
        (ESOM(n_clusters=1, random_state=0), 1),
        (KMeans(200, n_init=1, random_state=0), 200),
    ],
    ids=["one cluster of an evolving map", "200 clusters without a map"],
)
def test_few_and_many_clusters(browser, galaxy, tmp_path, clusterer, n_clusters):
    labels = open_job(browser, clusterer, galaxy, tmp_path)
    assert len(cells(browser, 3)) == n_clusters
    act(browser, "select_groups", [n_clusters - 1])
    assert n_selected(browser) == (labels == n_clusters - 1).sum()
    assert errors_of(browser) == []


def test_a_slice_of_voxels_is_chosen(browser, galaxy, tmp_path):
    clusterer = KMeans(3, random_state=0)
    labels = open_job(browser, clusterer, galaxy, tmp_path, pattern="voxel")
    colors = np.array([list(bytes.fromhex(c[1:])) for c in of_groups(browser, "color")])
    for number in (0, 3):
        browser.execute_script(
            "const slice = document.getElementById('slice');"
            "slice.selectedIndex = arguments[0]; slice.onchange();",
            number,
        )
        seen = picture(browser, "map", labels.shape[:2])
        name = browser.execute_script("return document.getElementById('slice').value")
        own = labels[:, :, list(galaxy.band_names).index(name)]
        np.testing.assert_array_equal(seen[own >= 0], colors[own[own >= 0]])


def test_populations_are_a_map_of_their_own(browser, tmp_path):
    """They are drawn, told below the mouse, and selected, whatever the clusters are."""
    cube, _ = make_galaxy_cube((96, 96), random_state=0)
    pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    expected = find_of_result(Result(pipeline, cube))
    open_page(browser, explore(tmp_path / "page.html", pipeline, cube))
    before = of_clusters(browser)
    choose(browser, "layer", "populations")
    shown = picture(browser, "map", expected.label_map.shape)
    for number, color in enumerate(colors_of(expected)):
        drawn = np.unique(shown[expected.label_map == number], axis=0)
        assert_array_equal(drawn, [np.rint(255 * color[:3])])
    legend = browser.find_elements("css selector", "#legend .population")
    titles = [f"{name} (?)" for name in expected.names if name is not None]
    assert [each.text for each in legend][: len(titles)] == titles

    number = expected.names.index("H II regions")
    rows, columns = np.nonzero(expected.label_map == number)
    choose(browser, "click", "population")
    at_pixel(browser, int(columns[0]), int(rows[0])).click().perform()
    assert "H II regions (?)" in browser.find_element("id", "readout").text
    chosen = browser.execute_script("return [...chosen]")
    assert_array_equal(
        np.reshape(chosen, shown.shape[:2]) == 1, expected.label_map == number
    )
    assert of_clusters(browser) == before
    choose(browser, "layer", "clusters")
    assert not browser.find_elements("css selector", "#legend .population")
    assert browser.get_log("browser") == []


def test_page_without_known_bands_offers_no_populations(browser, galaxy, tmp_path):
    unknown = Cube(galaxy.data)
    pipeline = make_cluster_pipeline(ESOM(random_state=0), target_fwhm=None)
    pipeline.fit(unknown)
    open_page(browser, explore(tmp_path / "page.html", pipeline, unknown))
    assert not browser.find_element("id", "layer").is_displayed()
    clicks = browser.find_elements("css selector", "#click option")
    assert [each.text for each in clicks] == ["cluster", "unit", "pixel"]


def choose(browser, name, text):
    """Choose an option of a list."""
    from selenium.webdriver.support.ui import Select

    Select(browser.find_element("id", name)).select_by_visible_text(text)
