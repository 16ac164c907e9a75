# SPDX-License-Identifier: BSD-3-Clause
"""Self-organizing maps of tables: no image in sight."""
