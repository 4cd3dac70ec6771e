# SPDX-License-Identifier: GPL-3.0-or-later
# LibTorch out of the PyPI wheel, as the imported target LibTorch::LibTorch.
#
# Not find_package(Torch): it replaces CMAKE_CUDA_ARCHITECTURES by a list that nvcc 13 rejects, stops without a CUDA
# toolkit, and names protobuf as a dependency. The libraries stand between --no-as-needed and --as-needed, because
# libtorch_cuda registers its operators by static initialisers and the linker would drop it.
#
# Input:  PARADIGM_VENV   virtual environment made by scripts/setup; PARADIGM_CUDA
# Output: LibTorch::LibTorch, LibTorchWheel_VERSION, LIBTORCH_LIB_DIR, LIBTORCH_HAS_CUDA; with CUDA also
#         LIBTORCH_CUDA_INCLUDE and LIBTORCH_CUDART, the wheels' own runtime
if(DEFINED ENV{XDG_CACHE_HOME} AND NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(default_cache "$ENV{XDG_CACHE_HOME}")
else()
  set(default_cache "$ENV{HOME}/.cache")
endif()
set(PARADIGM_VENV "${default_cache}/paradigm-workbench/venv" CACHE PATH "Virtual environment with the torch and pyarrow wheels")

file(GLOB torch_dirs "${PARADIGM_VENV}/lib/python3*/site-packages/torch")
find_path(LIBTORCH_DIR NAMES include/ATen/core/Tensor.h HINTS ${torch_dirs} NO_DEFAULT_PATH)
if(LIBTORCH_DIR AND EXISTS "${LIBTORCH_DIR}/version.py")
  file(STRINGS "${LIBTORCH_DIR}/version.py" version_line REGEX "^__version__")
  string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" LibTorchWheel_VERSION "${version_line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorchWheel REQUIRED_VARS LIBTORCH_DIR VERSION_VAR LibTorchWheel_VERSION
  REASON_FAILURE_MESSAGE "no torch wheel in ${PARADIGM_VENV}: scripts/setup installs it")

set(LIBTORCH_LIB_DIR "${LIBTORCH_DIR}/lib")
get_filename_component(site_packages "${LIBTORCH_DIR}" DIRECTORY)
set(nvidia_dir "${site_packages}/nvidia")

# The CUDA libraries are linked when the set-up installed the wheel's CUDA dependencies and CUDA is wanted.
set(LIBTORCH_HAS_CUDA OFF)
if(NOT PARADIGM_CUDA STREQUAL "OFF" AND EXISTS "${nvidia_dir}/cudnn/lib" AND EXISTS "${nvidia_dir}/cu13/include")
  set(LIBTORCH_HAS_CUDA ON)
  set(LIBTORCH_CUDA_INCLUDE "${nvidia_dir}/cu13/include")
  set(LIBTORCH_CUDART "${nvidia_dir}/cu13/lib/libcudart.so.13")
elseif(PARADIGM_CUDA STREQUAL "ON")
  message(FATAL_ERROR "PARADIGM_CUDA=ON, but the CUDA wheels are not in ${site_packages}; run scripts/setup --cuda on")
endif()

if(LibTorchWheel_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  set(libraries c10 torch_cpu)
  if(LIBTORCH_HAS_CUDA)
    list(APPEND libraries torch c10_cuda torch_cuda)
  endif()
  set(link_line "-Wl,--no-as-needed")
  foreach(library IN LISTS libraries)
    list(APPEND link_line "${LIBTORCH_LIB_DIR}/lib${library}.so")
  endforeach()
  list(APPEND link_line "-Wl,--as-needed")
  file(GLOB nvidia_libs "${nvidia_dir}/*/lib")
  set(rpath_link "")
  foreach(dir IN LISTS nvidia_libs ITEMS "${LIBTORCH_LIB_DIR}")
    list(APPEND rpath_link "-Wl,-rpath-link,${dir}")
  endforeach()
  # The wheel brings its own, newer fmt headers but exports no fmt library: what sees them must not ask for one.
  target_compile_definitions(LibTorch::LibTorch INTERFACE FMT_HEADER_ONLY)
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    "${LIBTORCH_DIR}/include" "${LIBTORCH_DIR}/include/torch/csrc/api/include")
  target_compile_definitions(LibTorch::LibTorch INTERFACE USE_DISTRIBUTED)
  if(LIBTORCH_HAS_CUDA)
    target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE "${LIBTORCH_CUDA_INCLUDE}" "${nvidia_dir}/nccl/include")
    target_compile_definitions(LibTorch::LibTorch INTERFACE USE_C10D_NCCL PARADIGM_TORCH_CUDA)
  endif()
  target_link_libraries(LibTorch::LibTorch INTERFACE "${link_line}")
  target_link_options(LibTorch::LibTorch INTERFACE ${rpath_link} "-Wl,-rpath,${LIBTORCH_LIB_DIR}")
endif()
