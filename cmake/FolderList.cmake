# SPDX-License-Identifier: GPL-3.0-or-later
# Finds extensions by their place in the tree and writes the list of them as C++, sorted by name: no registration
# macro, no static-initialisation order, and a missing function stops the link by name.

# folder_list(OUT FILE ITEMS a b c HEADER "x.h" NAMESPACE n TYPE T SUFFIX _info LIST all_x)
# writes  `std::vector<T> n::all_x() { return {a_info(), b_info(), c_info()}; }`  to FILE.
function(folder_list)
  cmake_parse_arguments(arg "" "OUT;HEADER;NAMESPACE;TYPE;PREFIX;SUFFIX;LIST" "ITEMS" ${ARGN})
  list(SORT arg_ITEMS)
  set(declarations "")
  set(calls "")
  foreach(item IN LISTS arg_ITEMS)
    string(APPEND declarations "${arg_TYPE} ${arg_PREFIX}${item}${arg_SUFFIX}();\n")
    string(APPEND calls "  list.push_back(${arg_PREFIX}${item}${arg_SUFFIX}());\n")
  endforeach()
  set(text "// Written by cmake/FolderList.cmake from the folder names. Do not edit.
#include \"${arg_HEADER}\"

namespace ${arg_NAMESPACE} {
${declarations}
std::vector<${arg_TYPE}> ${arg_LIST}() {
  std::vector<${arg_TYPE}> list;
${calls}  return list;
}
}  // namespace ${arg_NAMESPACE}
")
  file(CONFIGURE OUTPUT "${arg_OUT}" CONTENT "${text}" @ONLY)
endfunction()

# subfolder_names(VARIABLE DIRECTORY...): the names of the folders directly below, sorted, without duplicates.
function(subfolder_names variable)
  set(names "")
  foreach(directory IN LISTS ARGN)
    file(GLOB entries CONFIGURE_DEPENDS LIST_DIRECTORIES true "${directory}/*")
    foreach(entry IN LISTS entries)
      if(IS_DIRECTORY "${entry}")
        get_filename_component(name "${entry}" NAME)
        list(APPEND names "${name}")
      endif()
    endforeach()
  endforeach()
  list(SORT names)
  list(REMOVE_DUPLICATES names)
  set(${variable} "${names}" PARENT_SCOPE)
endfunction()

# paradigm_lists(DIRECTORY a b c): paradigm_infos.cpp and paradigm_makers.cpp in DIRECTORY, the two halves of a list of
# paradigms.
function(paradigm_lists directory)
  folder_list(OUT "${directory}/paradigm_infos.cpp" HEADER "engine/transform/paradigm_info.h"
    NAMESPACE engine TYPE ParadigmInfo SUFFIX _info LIST paradigm_infos ITEMS ${ARGN})
  folder_list(OUT "${directory}/paradigm_makers.cpp" HEADER "engine/transform/paradigm.h"
    NAMESPACE engine TYPE "std::shared_ptr<Paradigm>" PREFIX make_ LIST all_paradigms ITEMS ${ARGN})
endfunction()
