// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace app {

/// Takes the numbers of stdin, stdout and stderr where the program was started without them (`>&-`,
/// some batch systems): otherwise the next file that is opened gets the number, and what is meant
/// for the terminal is written into it. Reading finds the end, writing goes on to fail. Call it
/// first in main().
void reserve_standard_streams();

}  // namespace app
