# SPDX-License-Identifier: BSD-3-Clause
"""Objects of other libraries as cubes: what their headers, WCS and axes mean."""
