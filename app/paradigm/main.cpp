// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/engine_library.h"
#include "app/paradigm/program.h"
#include "app/standard_streams.h"

int main(int argc, char** argv) {
  app::reserve_standard_streams();
  app::let_idle_threads_sleep();
  return paradigm::run_program(argc, argv);
}
