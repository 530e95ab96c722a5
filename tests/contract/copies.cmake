# SPDX-License-Identifier: Apache-2.0
# The copies in this folder equal the originals beside the repository, where those exist.
cmake_minimum_required(VERSION 3.23)
set(originals "${NVQ_ROOT}/../shared/contract")
if(NOT EXISTS "${originals}")
  message("nvq-skip(contract): ${originals} is not there")
  return()
endif()
file(GLOB_RECURSE copies RELATIVE "${CMAKE_CURRENT_LIST_DIR}" "${CMAKE_CURRENT_LIST_DIR}/*.cpp"
     "${CMAKE_CURRENT_LIST_DIR}/*.cu" "${CMAKE_CURRENT_LIST_DIR}/*/CMakeLists.txt")
foreach(copy IN LISTS copies)
  file(SHA256 "${CMAKE_CURRENT_LIST_DIR}/${copy}" ours)
  file(SHA256 "${originals}/${copy}" theirs)
  if(NOT ours STREQUAL theirs)
    message(SEND_ERROR "tests/contract/${copy} differs from ${originals}/${copy}; copy the original again")
  endif()
endforeach()
