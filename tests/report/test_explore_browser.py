# SPDX-License-Identifier: BSD-3-Clause
"""The page in a real browser: what is selected in one view shows in the others."""

import json
import re
import shutil
import time

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import Table
from sklearn.cluster import KMeans

from skesom.maps import make_cluster_pipeline
from skesom.report import explore, read_cluster_groups
from skesom.report._result import Result
from skesom.report.page._data import encode_bands, unit_map
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
# The cells of the table are in the shadow of its element.
TABLE_ROWS = """
const rows = [];
const visit = (node) => {
  if (node.shadowRoot) visit(node.shadowRoot);
  for (const child of node.children ?? []) visit(child);
  if (node.classList?.contains("slick-row"))
    rows.push([...node.children].map((cell) => cell.textContent));
};
visit(document.body);
return rows;
"""


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


@pytest.fixture
def page(browser, lattice_job, galaxy, objects, tmp_path):
    """The page, open and ready, with nothing selected."""
    browser.get_log("browser"), browser.get_log("performance")
    path = explore(tmp_path / "page.html", lattice_job, galaxy, catalog=objects)
    open_page(browser, path)
    return browser


@pytest.fixture(scope="module")
def labels(lattice_job):
    """The label map."""
    return lattice_job["cluster"].labels_


@pytest.fixture(scope="module")
def units(lattice_job, galaxy):
    """The nearest unit of each pixel."""
    return unit_map(Result(lattice_job, galaxy))


def open_page(browser, path):
    """Open a page and wait until it is drawn."""
    browser.get(path.as_uri())
    wait_for(browser, "return document.body.dataset.state === 'ready'")


def wait_for(browser, script):
    """Wait until a script returns what is true."""
    end = time.monotonic() + 60
    while not browser.execute_script(script):
        assert time.monotonic() < end, f"never true: {script}"
        time.sleep(0.05)


def column(browser, source, name):
    """Return a column of a source of the page."""
    return browser.execute_script(
        "return [...Bokeh.documents[0].get_model_by_name(arguments[0] + '-source')"
        ".data[arguments[1]]]",
        source,
        name,
    )


def picture(browser, name, shape):
    """Return red, green and blue of each pixel of a picture."""
    painted = browser.execute_script(
        "return [...Bokeh.documents[0].get_model_by_name(arguments[0] + '-source')"
        ".data.image[0]]",
        name,
    )
    painted = np.array(painted, dtype=np.uint32).reshape(shape)
    return np.stack([painted & 255, painted >> 8 & 255, painted >> 16 & 255], axis=-1)


def act(browser, name, *arguments):
    """Call what the views call when the user acts."""
    browser.execute_script(
        "skesom[arguments[0]](...[...arguments].slice(1))", name, *arguments
    )


def at_pixel(browser, plot, column, row):
    """Return the mouse over a pixel of a picture."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.actions.action_builder import ActionBuilder

    x, y = browser.execute_script(
        """
        const [name, column, row] = arguments;
        const view = Bokeh.index.find_one_by_id(
          Bokeh.documents[0].get_model_by_name(name).id);
        view.el.scrollIntoView();
        const box = view.canvas_view.el.getBoundingClientRect();
        const { x_scale, y_scale } = view.frame;
        return [box.x + x_scale.compute(column), box.y + y_scale.compute(row)];
        """,
        plot,
        column,
        row,
    )
    builder = ActionBuilder(browser)
    builder.pointer_action.move_to_location(x, y)
    builder.perform()
    return ActionChains(browser)


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


def test_no_errors_and_no_requests(page):
    errors = [e for e in page.get_log("browser") if e["level"] == "SEVERE"]
    assert errors == []
    asked = []
    for entry in page.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.append(message["params"]["request"]["url"])
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
    groups = [(name, [label]) for label, name in enumerate(HOSTILE[:4])]
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
    for function in ("merge", "split", "paint_image", "show_units", "clear"):
        act(browser, function)
    choose = "Bokeh.documents[0].get_model_by_name('image_choice').value = arguments[0]"
    for name in HOSTILE[: galaxy.shape[2]]:
        browser.execute_script(choose, name)
    for function in ("hover", "tap"):  # shows what is under the mouse
        browser.execute_script(f"skesom.{function}({{x: 40, y: 20}})")
    assert browser.execute_script("return window.was_run ?? null") is None
    text = browser.execute_script("return document.getElementById('readout').innerText")
    assert "<img src=x" in text
    found = browser.execute_script(
        """const found = [];
        const visit = (root) => {
            for (const each of root.querySelectorAll("*")) {
                if (each.matches("img[src='x'], svg[onload], a[href^=javascript]"))
                    found.push(each.outerHTML);
                if (each.shadowRoot) visit(each.shadowRoot);
            }
        };
        visit(document); return found;"""
    )
    assert found == []
    asked = [
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if url.startswith("http")] == []


def test_clusters_have_their_colors(page, labels):
    colors = picture(page, "map", labels.shape)
    seen = [np.unique(colors[labels == n], axis=0) for n in range(4)]
    assert [len(each) for each in seen] == [1, 1, 1, 1]
    assert len(np.unique(np.concatenate(seen), axis=0)) == 4
    painted = ["#" + bytes(each[0].astype("u1")).hex() for each in seen]
    assert painted == column(page, "clusters", "color")


def test_box_in_a_picture(page, labels, units):
    box = {"type": "rect", "x0": 9.7, "x1": 20.2, "y0": 5.4, "y1": 30.2}
    act(page, "geometry", {"final": True, "geometry": box})
    inside = np.zeros(labels.shape, dtype=bool)
    inside[6:31, 10:21] = True
    assert n_selected(page) == inside.sum()
    expected = [
        f"{100 * (inside & (labels == n)).sum() / (labels == n).sum():.0f} %"
        for n in range(4)
    ]
    assert [row[-1] for row in page.execute_script(TABLE_ROWS)] == expected
    hit = np.bincount(units[inside & (labels >= 0)], minlength=30) > 0
    alpha = np.array(column(page, "units", "alpha"))
    np.testing.assert_array_equal(alpha > 0.3, hit)
    np.testing.assert_array_equal(highlighted(page, labels.shape), inside)


def test_lasso_takes_pixels_by_their_middle(page, labels):
    lasso = {"type": "poly", "x": [2, 30, 2], "y": [3, 3, 31]}
    act(page, "geometry", {"final": True, "geometry": lasso})
    rows, columns = np.indices(labels.shape)
    # On the edge itself either is right.
    sure = (columns > 2) & (rows > 3) & (columns + rows < 33)
    maybe = (columns >= 2) & (rows >= 3) & (columns + rows <= 33)
    found = highlighted(page, labels.shape)
    assert found[sure].all()
    assert not found[~maybe].any()


def test_units_select_their_pixels(page, labels, units):
    page.execute_script(
        "Bokeh.documents[0].get_model_by_name('units-source')"
        ".selected.indices = [3, 17]"
    )
    wanted = np.isin(units, [3, 17])
    assert n_selected(page) == wanted.sum() > 0
    np.testing.assert_array_equal(highlighted(page, labels.shape), wanted)


def test_rows_of_the_table_select_clusters_and_show_their_spectrum(page, labels):
    page.execute_script(
        "Bokeh.documents[0].get_model_by_name('clusters-source').selected.indices = [1]"
    )
    assert column(page, "selected", "y") == column(page, "spectra", "ys")[1]
    np.testing.assert_array_equal(highlighted(page, labels.shape), labels == 1)
    assert column(page, "selected", "y") == []


def test_spectra_are_medians_of_stretched_fluxes(page, labels, lattice_job, galaxy):
    codes, bands = encode_bands(Result(lattice_job, galaxy).cube, labels >= 0)
    for number in range(4):
        spectrum = column(page, "spectra", "ys")[number]
        for band, scale in enumerate(bands):
            median = np.median(codes[band][labels == number])
            curved = scale["low"] + (median - 1) * scale["step"]
            expected = (curved - scale["mean"]) / scale["deviation"]
            assert spectrum[band] == pytest.approx(expected, rel=1e-9)


def test_mouse_reads_and_clicks(page, labels, galaxy):
    row, column_ = 31, 42
    mouse = at_pixel(page, "map_plot", column_, row)
    text = page.find_element("id", "readout").text
    assert f"x {column_}, y {row}" in text
    assert f"cluster {labels[row, column_]}" in text
    text = text.replace("\N{MINUS SIGN}", "-")
    position = re.search(r"\d\d:\d\d:\d\d\.\d+ [+-]\d\d:\d\d:\d\d\.\d+", text)
    seen = SkyCoord(position[0], unit=("hourangle", "deg"))
    assert seen.separation(galaxy.wcs.pixel_to_world(column_, row)).arcsec < 0.05
    for band, name in enumerate(galaxy.band_names):
        flux = float(re.search(rf"{name} (\S+)", text)[1])
        assert flux == pytest.approx(
            galaxy.data[row, column_, band], rel=2e-3, abs=2e-4
        )
    mouse.click().perform()
    wait_for(page, "return Number(document.body.dataset.selected) > 0")
    same = labels == labels[row, column_]
    np.testing.assert_array_equal(highlighted(page, labels.shape), same)


def test_merged_and_renamed_clusters_are_exported(page, labels, tmp_path):
    page.execute_script(
        "Bokeh.documents[0].get_model_by_name('clusters-source')"
        ".selected.indices = [0, 3]"
    )
    act(page, "merge")
    names = column(page, "clusters", "name")
    assert sorted(names) == ["cluster 0 + cluster 3", "cluster 1", "cluster 2"]
    merged = picture(page, "map", labels.shape)[np.isin(labels, [0, 3])]
    assert len(np.unique(merged, axis=0)) == 1
    page.execute_script(
        "Bokeh.documents[0].get_model_by_name('clusters-source')"
        ".patch({name: [[arguments[0], 'old “disc”']]})",
        names.index("cluster 2"),
    )
    act(page, "export_file")
    path = page.downloads / "clusters.json"
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, "nothing was downloaded"
        time.sleep(0.05)
    groups = read_cluster_groups(path)
    path.unlink()
    assert sorted(groups) == [
        ("cluster 0 + cluster 3", (0, 3)),
        ("cluster 1", (1,)),
        ("old “disc”", (2,)),
    ]
    act(page, "select_groups", [names.index("cluster 0 + cluster 3")])
    act(page, "split")
    assert sorted(column(page, "clusters", "labels")) == ["0", "1", "2", "3"]


def test_bands_can_be_shown(page, labels, galaxy):
    before = picture(page, "image", labels.shape)
    page.execute_script(
        "Bokeh.documents[0].get_model_by_name('image_choice').value = arguments[0]",
        galaxy.band_names[0],
    )
    band = picture(page, "image", labels.shape)
    known = labels >= 0
    assert (band != before)[known].any()
    assert (band[known] == band[known][:, :1]).all()  # gray
    order = np.argsort(galaxy.data[:, :, 0][known], kind="stable")
    assert (np.diff(band[known][order][:, 0].astype(int)) >= 0).all()


def test_objects_are_hidden_by_their_type(page):
    visible = """
    return Bokeh.documents[0].get_model_by_name("map_plot").renderers
      .filter((each) => each.data_source.data.type !== undefined)
      .map((each) => [each.data_source.data.name.length, each.visible])
    """
    assert page.execute_script(visible) == [[2, True], [1, True]]
    page.execute_script(
        "Bokeh.documents[0].get_model_by_name('object_types').active = [1]"
    )
    assert page.execute_script(visible) == [[2, False], [1, True]]


@pytest.mark.parametrize(
    ("clusterer", "n_clusters"),
    [
        (ESOM(n_clusters=1, random_state=0), 1),
        (KMeans(200, n_init=1, random_state=0), 200),
    ],
    ids=["one cluster of an evolving map", "200 clusters without a map"],
)
def test_few_and_many_clusters(browser, galaxy, tmp_path, clusterer, n_clusters):
    job = make_cluster_pipeline(clusterer).fit(galaxy)
    browser.get_log("browser")
    open_page(browser, explore(tmp_path / "page.html", job, galaxy))
    assert len(column(browser, "clusters", "name")) == n_clusters
    act(browser, "select_groups", [n_clusters - 1])
    smallest = job["cluster"].labels_ == n_clusters - 1
    assert n_selected(browser) == smallest.sum()
    errors = [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    assert errors == []


def test_sky_is_told_from_missing_data(browser, job, galaxy, tmp_path):
    open_page(browser, explore(tmp_path / "page.html", job, galaxy))
    labels = job["cluster"].labels_
    colors = picture(browser, "map", labels.shape)
    assert np.unique(colors[labels == -2], axis=0).tolist() == [[0x1D, 0x22, 0x36]]
    assert np.unique(colors[labels == -3], axis=0).tolist() == [[0xE1, 0xE3, 0xE8]]
    for label, text in ((-2, "sky, set aside"), (-3, "no data")):
        row, column_ = np.argwhere(labels == label)[0].tolist()
        at_pixel(browser, "map_plot", column_, row)
        assert text in browser.find_element("id", "readout").text
    share = np.mean(labels[labels != -3] == -2)
    text = browser.find_element("tag name", "body").text
    assert f"{share:.1%} set aside as sky" in text
