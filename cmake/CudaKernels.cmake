# SPDX-License-Identifier: GPL-3.0-or-later
# Compiles .cu files with the nvcc 13 that is there: the system's, else the one from PyPI in the shared environment.
#
# By custom command, not by enable_language(CUDA): CMake's check of the compiler links a program against a toolkit's
# library folder, which the PyPI packages do not have, and a toolkit's libcudart must not meet the wheel's. Kernels are
# linked against the wheel's own libcudart, the one that LibTorch maps as well.
#
# Output: PARADIGM_NVCC (empty: no compiler), PARADIGM_BUILD_CUDA (ON: the CUDA half of kernels/ is built)
set(PARADIGM_BUILD_CUDA OFF)
set(PARADIGM_NVCC "")
if(NOT PARADIGM_CUDA STREQUAL "OFF" AND LIBTORCH_HAS_CUDA)
  file(GLOB wheel_nvcc "${PARADIGM_VENV}/lib/python3*/site-packages/nvidia/cu13/bin/nvcc")
  find_program(system_nvcc nvcc HINTS /usr/local/cuda/bin)
  foreach(candidate IN LISTS system_nvcc wheel_nvcc)
    execute_process(COMMAND "${candidate}" --version OUTPUT_VARIABLE nvcc_version ERROR_QUIET)
    if(nvcc_version MATCHES "release 13\\.")
      set(PARADIGM_NVCC "${candidate}")
      set(PARADIGM_BUILD_CUDA ON)
      break()
    endif()
  endforeach()
  if(NOT PARADIGM_BUILD_CUDA)
    message(STATUS "No nvcc 13: kernels are built for the CPU alone; scripts/setup --cuda on installs a compiler")
  endif()
endif()
set(PARADIGM_CUDA_TARGETS "80;90" CACHE STRING "GPU architectures to compile for; PTX of the last one is added")

# target_cuda_sources(TARGET FILE...): compiles the files and links their objects into TARGET.
function(target_cuda_sources target)
  set(arguments -std=c++20 -O3 --expt-relaxed-constexpr -fmad=false -Xcompiler -fPIC,-Wall,-Wextra,-O2
    "-I${CMAKE_SOURCE_DIR}" -DPARADIGM_WITH_CUDA -DNDEBUG)
  foreach(architecture IN LISTS PARADIGM_CUDA_TARGETS)
    # All of 9.0 have the instructions of 9.0a, among them the matrix unit's; PTX that uses them runs on no other.
    string(REGEX REPLACE "^90$" "90a" binary "${architecture}")
    list(APPEND arguments -gencode "arch=compute_${binary},code=sm_${binary}")
    set(newest "${architecture}")
  endforeach()
  list(APPEND arguments -gencode "arch=compute_${newest},code=compute_${newest}")
  foreach(source IN LISTS ARGN)
    file(RELATIVE_PATH name "${CMAKE_CURRENT_SOURCE_DIR}" "${source}")
    set(object "${CMAKE_CURRENT_BINARY_DIR}/cuda/${name}.o")
    get_filename_component(folder "${object}" DIRECTORY)
    file(MAKE_DIRECTORY "${folder}")
    add_custom_command(OUTPUT "${object}" DEPFILE "${object}.d" DEPENDS "${source}" VERBATIM
      COMMAND ${CMAKE_CUDA_COMPILER_LAUNCHER} "${PARADIGM_NVCC}" ${arguments} -isystem "${LIBTORCH_CUDA_INCLUDE}" -MD -MF "${object}.d" -MT "${object}"
              -c "${source}" -o "${object}"
      COMMENT "Building CUDA object ${name}")
    target_sources(${target} PRIVATE "${object}")
    set_source_files_properties("${object}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  endforeach()
  target_link_libraries(${target} PUBLIC "${LIBTORCH_CUDART}")
  target_include_directories(${target} SYSTEM PUBLIC "${LIBTORCH_CUDA_INCLUDE}")
endfunction()
