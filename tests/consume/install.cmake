# SPDX-License-Identifier: Apache-2.0
# Installs the build tree and moves the result elsewhere: nothing in it may point at where it was.
cmake_minimum_required(VERSION 3.23)
file(REMOVE_RECURSE "${PREFIX}" "${PREFIX}-first")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX}-first" COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${PREFIX}-first" "${PREFIX}")

file(GLOB_RECURSE installed RELATIVE "${PREFIX}" "${PREFIX}/*")
foreach(file IN LISTS installed)
  if(NOT file MATCHES "^include/nvq/(.*\\.(hpp|cuh|inc)|nvrtc/[a-z_]+)$|^share/(cmake/nvq/.*\\.cmake|pkgconfig/nvq\\.pc)$")
    message(SEND_ERROR "unexpected file in the install: ${file}")
  endif()
  file(STRINGS "${PREFIX}/${file}" absolute REGEX "${NVQ_ROOT}/|${PREFIX}")
  if(absolute)
    message(SEND_ERROR "${file} names a folder of the build machine: ${absolute}")
  endif()
endforeach()
file(GLOB_RECURSE headers RELATIVE "${NVQ_ROOT}" "${NVQ_ROOT}/include/nvq/*.hpp" "${NVQ_ROOT}/include/nvq/*.cuh"
     "${NVQ_ROOT}/include/nvq/*.inc")
foreach(header IN LISTS headers)
  if(NOT header IN_LIST installed)
    message(SEND_ERROR "${header} is not installed")
  endif()
endforeach()
