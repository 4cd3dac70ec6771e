// SPDX-License-Identifier: GPL-3.0-or-later
// QCustomPlot's header needs Qt's keywords, which this project switches off: define them for that
// one header only.
#pragma once

#include <QtGlobal>

#define signals Q_SIGNALS
#define slots Q_SLOTS
#define emit
#define foreach Q_FOREACH
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#include <qcustomplot.h>
#pragma GCC diagnostic pop
#undef signals
#undef slots
#undef emit
#undef foreach
