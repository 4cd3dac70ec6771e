// SPDX-License-Identifier: GPL-3.0-or-later
// What a state means for the user: where the run trains, what can be done about it.
#pragma once

#include "widgets/models/run_store.h"

#include <QString>

namespace widgets {

/// Where a live run trains: "in this window", "process 4711", "host lab2, process 4711"; else
/// empty.
QString place_text(const RunRecord& run);

/// The host in ssh://user@host:port/path.
QString host_of(const QString& address);

/// Of an ended run: what resuming it restores, or why it cannot be, and the last lines that its
/// process wrote when it died. Of one that does not begin or gives no sign: what is known. Empty
/// when the state says it all.
QString advice_on(const RunRecord& run);

}  // namespace widgets
