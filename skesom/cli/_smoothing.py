# SPDX-License-Identifier: BSD-3-Clause
"""Options that let neighboring pixels agree."""


def add_smoothing(group):
    """Add the options about neighboring pixels."""
    group.add_argument(
        "--smooth",
        choices=["none", "majority", "modes"],
        default="none",
        help="let neighboring pixels agree: the majority within the point-spread "
        "function, or conditional modes, which weigh neighbors against the spectrum "
        "and keep point sources",
    )
    group.add_argument(
        "--smooth-fwhm",
        type=float,
        metavar="PIXELS",
        help="width of the majority (default: that of the bands, or 2)",
    )
    group.add_argument(
        "--smooth-strength",
        type=float,
        metavar="NUMBER",
        help="weight of the neighbors in conditional modes (default: 1)",
    )


def regularizer_of(options):
    """Return what lets neighboring pixels agree, None without."""
    from skesom.maps import ConditionalModes, MajorityVote

    given = {"majority": options.smooth_fwhm, "modes": options.smooth_strength}
    names = {"majority": "--smooth-fwhm", "modes": "--smooth-strength"}
    for kind, value in given.items():
        if value is not None and options.smooth != kind:
            raise ValueError(f"{names[kind]} goes with --smooth {kind}.")
    if options.smooth == "none":
        return None
    if options.smooth == "majority":
        regularizer = MajorityVote(fwhm=options.smooth_fwhm)
    else:
        strength = options.smooth_strength
        regularizer = ConditionalModes(1.0 if strength is None else strength)
    regularizer._validate_params()
    return regularizer
