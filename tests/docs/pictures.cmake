# SPDX-License-Identifier: Apache-2.0
# cmake -DDRAW=A;B -DWORK= -DNVQ_ROOT= -P pictures.cmake: docs/img holds what the programs of docs/tools draw.
cmake_minimum_required(VERSION 3.23)
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
foreach(program IN LISTS DRAW)
  execute_process(COMMAND "${program}" "${WORK}" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
execute_process(COMMAND diff -r "${NVQ_ROOT}/docs/img" "${WORK}" RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "docs/img is out of date: run ./run docs")
endif()
