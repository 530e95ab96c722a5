# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM= -DNAME= -P compare_output.cmake: runs an example and compares what it prints with NAME.output.
cmake_minimum_required(VERSION 3.23)
execute_process(COMMAND "${PROGRAM}" OUTPUT_VARIABLE output RESULT_VARIABLE status)
file(READ "${CMAKE_CURRENT_LIST_DIR}/${NAME}.output" expected)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${NAME}: exit status ${status}\n${output}")
endif()
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "${NAME} printed\n${output}\nand ${NAME}.output is\n${expected}")
endif()
