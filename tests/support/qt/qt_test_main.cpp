// SPDX-License-Identifier: GPL-3.0-or-later
// main() of the tests that need a QApplication. ctest sets QT_QPA_PLATFORM=offscreen.
#include <QApplication>

#include <gtest/gtest.h>

int main(int argc, char** argv) {
  QApplication application(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
