# SPDX-License-Identifier: Apache-2.0
# cmake -DCOMPILER= -DNM= -DWORK= -DNVQ_ROOT= -P check.cmake
cmake_minimum_required(VERSION 3.23)
file(MAKE_DIRECTORY "${WORK}")
set(here "${CMAKE_CURRENT_LIST_DIR}")
set(common -std=c++17 -I "${NVQ_ROOT}/include" -c)
execute_process(COMMAND ${COMPILER} ${common} -O0 "${here}/first.cpp" -o "${WORK}/first.o" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${COMPILER} ${common} -O3 -march=native "${here}/second.cpp" -o "${WORK}/second.o"
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${COMPILER} "${WORK}/first.o" "${WORK}/second.o" -o "${WORK}/both" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${WORK}/both" COMMAND_ERROR_IS_FATAL ANY)

# Every symbol of ours is weak (inline or a template): a strong one would clash in a second object file.
foreach(object first second)
  execute_process(COMMAND ${NM} -C --defined-only "${WORK}/${object}.o" OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[0-9a-f]+ [A-TX-Z] nvq::[^\n]*" strong "${symbols}")
  if(strong)
    list(JOIN strong "\n  " strong)
    message(SEND_ERROR "${object}.o defines symbols that are not inline:\n  ${strong}")
  endif()
endforeach()
