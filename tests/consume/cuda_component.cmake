# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.23)
set(build "${WORK}/cuda_component")
file(REMOVE_RECURSE "${build}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${CMAKE_CURRENT_LIST_DIR}/cuda_component" -B "${build}"
                        "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${PREFIX}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${build}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${build}/cuda_component" COMMAND_ERROR_IS_FATAL ANY)
