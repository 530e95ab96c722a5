# SPDX-License-Identifier: Apache-2.0
# The examples build on their own against the installed package and print what they should.
cmake_minimum_required(VERSION 3.23)
set(build "${WORK}/examples")
file(REMOVE_RECURSE "${build}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${NVQ_ROOT}/examples" -B "${build}" "-DCMAKE_CXX_COMPILER=${COMPILER}"
                        -DCMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=${PREFIX}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${build}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${build}" --output-on-failure --no-tests=error
                COMMAND_ERROR_IS_FATAL ANY)
