# SPDX-License-Identifier: GPL-3.0-or-later
# Arrow C++ and Parquet out of the pyarrow wheel (Debian 12 packages neither), as Arrow::Wheel. Linked by full file
# name: the wheel has no .so symlinks and may be read-only.
file(GLOB arrow_dirs "${PARADIGM_VENV}/lib/python3*/site-packages/pyarrow")
find_path(ARROW_WHEEL_DIR NAMES include/arrow/api.h HINTS ${arrow_dirs} NO_DEFAULT_PATH)
file(GLOB ARROW_WHEEL_LIBRARIES "${ARROW_WHEEL_DIR}/libarrow.so.*[0-9]" "${ARROW_WHEEL_DIR}/libparquet.so.*[0-9]")
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ArrowWheel REQUIRED_VARS ARROW_WHEEL_DIR ARROW_WHEEL_LIBRARIES
  REASON_FAILURE_MESSAGE "no pyarrow wheel in ${PARADIGM_VENV}: scripts/setup installs it")
if(ArrowWheel_FOUND AND NOT TARGET Arrow::Wheel)
  add_library(Arrow::Wheel INTERFACE IMPORTED)
  target_include_directories(Arrow::Wheel SYSTEM INTERFACE "${ARROW_WHEEL_DIR}/include")
  target_link_libraries(Arrow::Wheel INTERFACE ${ARROW_WHEEL_LIBRARIES})
  target_link_options(Arrow::Wheel INTERFACE "-Wl,-rpath,${ARROW_WHEEL_DIR}" "-Wl,-rpath-link,${ARROW_WHEEL_DIR}")
endif()
