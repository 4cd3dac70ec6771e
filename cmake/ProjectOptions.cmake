# SPDX-License-Identifier: GPL-3.0-or-later
# What holds for every target: language level, warnings, output folders, ccache, CUDA on or off.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

add_compile_options(-Wall -Wextra -Wshadow)
# -Wno-restrict: g++ 12 reports it falsely for std::string concatenation (GCC bug 105329).
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
add_compile_definitions(QT_NO_KEYWORDS PARADIGM_VERSION="${PROJECT_VERSION}")
include_directories("${CMAKE_SOURCE_DIR}")

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # The precompiled header of `engine` needs the two relaxations; see CONTRIBUTING.md.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# A translation unit that includes LibTorch peaks at about 1.1 GB: limit that pool by memory too.
cmake_host_system_information(RESULT total_memory_mb QUERY TOTAL_PHYSICAL_MEMORY)
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
math(EXPR torch_jobs "${total_memory_mb} / 1500")
if(torch_jobs GREATER cores)
  set(torch_jobs ${cores})
elseif(torch_jobs LESS 1)
  set(torch_jobs 1)
endif()
set_property(GLOBAL APPEND PROPERTY JOB_POOLS torch=${torch_jobs})

set(PARADIGM_CUDA AUTO CACHE STRING "Build for CUDA: AUTO (a compiler was found), ON, OFF")
set_property(CACHE PARADIGM_CUDA PROPERTY STRINGS AUTO ON OFF)
