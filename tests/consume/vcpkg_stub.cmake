# SPDX-License-Identifier: Apache-2.0
# What the vcpkg tool gives a portfile, as far as our port uses it: enough to run the port without the tool.
# Reads ARCHIVE, VERSION, PORT, CURRENT_PACKAGES_DIR, CURRENT_BUILDTREES_DIR and COMPILER.
function(vcpkg_from_github)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUT_SOURCE_PATH;REPO;REF;SHA512;HEAD_REF" "")
  file(SHA512 "${ARCHIVE}" hash)
  if(NOT arg_SHA512 STREQUAL hash OR NOT arg_REF STREQUAL "v${VERSION}" OR NOT arg_REPO OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "vcpkg_from_github(${ARGV}) does not name ${ARCHIVE} of version ${VERSION}")
  endif()
  file(ARCHIVE_EXTRACT INPUT "${ARCHIVE}" DESTINATION "${CURRENT_BUILDTREES_DIR}/src")
  file(GLOB top "${CURRENT_BUILDTREES_DIR}/src/*")
  set(${arg_OUT_SOURCE_PATH} "${top}" PARENT_SCOPE)
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${CURRENT_BUILDTREES_DIR}/rel"
                          "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
                          -DFETCHCONTENT_FULLY_DISCONNECTED=ON ${arg_OPTIONS}
                  ERROR_VARIABLE warnings COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "FETCHCONTENT_FULLY_DISCONNECTED" "" warnings "${warnings}")
  if(warnings MATCHES "NVQ_")
    message(FATAL_ERROR "the port sets an option that the project does not know:\n${warnings}")
  endif()
endfunction()

function(vcpkg_cmake_install)
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${CURRENT_BUILDTREES_DIR}/rel" --target install
                  COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# vcpkg keeps packages' CMake files in share/<port>, and refuses them in share/cmake.
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "PACKAGE_NAME;CONFIG_PATH" "")
  file(RENAME "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}" "${CURRENT_PACKAGES_DIR}/share/${PORT}")
  file(REMOVE "${CURRENT_PACKAGES_DIR}/share/cmake")
  file(GLOB_RECURSE scripts "${CURRENT_PACKAGES_DIR}/share/${PORT}/*.cmake")
  foreach(script IN LISTS scripts)
    file(READ "${script}" text)
    string(REPLACE "/../../../" "/../../" text "${text}")
    string(REGEX REPLACE "(get_filename_component\\(_IMPORT_PREFIX [^\n]* PATH\\)\n)+"
                         "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_DIR}/../..\" ABSOLUTE)\n"
                         text "${text}")
    file(WRITE "${script}" "${text}")
  endforeach()
endfunction()

function(vcpkg_fixup_pkgconfig)
  if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/share/pkgconfig/nvq.pc")
    message(FATAL_ERROR "no share/pkgconfig/nvq.pc")
  endif()
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  configure_file("${arg_FILE_LIST}" "${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright" COPYONLY)
endfunction()
