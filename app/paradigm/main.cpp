// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/paradigm/program.h"

int main(int argc, char** argv) { return paradigm::run_program(argc, argv); }
