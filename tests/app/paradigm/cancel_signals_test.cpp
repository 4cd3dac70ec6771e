// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/cancel_signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace paradigm {
namespace {

TEST(CancelSignals, NotesTheFirstAndEndsByItWhenAllIsPutInOrder) {
  EXPECT_EXIT(
      {
        const CancelSignals signals;
        raise(SIGTERM);
        if (!signals.have_come()) std::_Exit(3);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(CancelSignals, EndsAtOnceByTheSecond) {
  EXPECT_EXIT(
      {
        const CancelSignals signals;
        raise(SIGINT);
        raise(SIGINT);
        std::_Exit(3);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(CancelSignals, WhatWasIgnoredStaysSo) {
  struct sigaction old = {};
  struct sigaction ignored = {};
  ignored.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignored, &old);
  {
    const CancelSignals signals;
    raise(SIGINT);
    EXPECT_FALSE(signals.have_come());
  }
  sigaction(SIGINT, &old, nullptr);
}

}  // namespace
}  // namespace paradigm
