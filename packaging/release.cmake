# SPDX-License-Identifier: Apache-2.0
# Makes the vcpkg port and the Conan recipe of one release, ready to be proposed to the registries:
#
#   cmake -DARCHIVE=nvq-0.1.0.tar.gz -DREPOSITORY=owner/nvq -DOUT=packages -P packaging/release.cmake
#
# ARCHIVE is the release's source archive, downloaded; its hashes and the version in version.hpp fill the places written
# @NVQ_...@ in packaging/vcpkg and packaging/conan. URL, where the archive is downloaded from, follows GitHub unless given.
cmake_minimum_required(VERSION 3.23)
include("${CMAKE_CURRENT_LIST_DIR}/../cmake/NvqVersion.cmake")
foreach(required ARCHIVE REPOSITORY OUT)
  if(NOT ${required})
    message(FATAL_ERROR "packaging/release.cmake: give -D${required}=...; see the head of the file")
  endif()
endforeach()

nvq_read_version(NVQ_VERSION "${CMAKE_CURRENT_LIST_DIR}/../include/nvq/version.hpp")
set(NVQ_REPOSITORY "${REPOSITORY}")
set(NVQ_URL "${URL}")
if(NOT NVQ_URL)
  set(NVQ_URL "https://github.com/${REPOSITORY}/archive/refs/tags/v${NVQ_VERSION}.tar.gz")
endif()
file(SHA256 "${ARCHIVE}" NVQ_SHA256)
file(SHA512 "${ARCHIVE}" NVQ_SHA512)

foreach(registry vcpkg conan)
  file(GLOB_RECURSE files RELATIVE "${CMAKE_CURRENT_LIST_DIR}" "${CMAKE_CURRENT_LIST_DIR}/${registry}/*")
  list(FILTER files EXCLUDE REGEX "__pycache__|/build/|CMakeUserPresets")
  foreach(file IN LISTS files)
    configure_file("${CMAKE_CURRENT_LIST_DIR}/${file}" "${OUT}/${file}" @ONLY)
  endforeach()
endforeach()
