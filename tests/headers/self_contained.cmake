# SPDX-License-Identifier: Apache-2.0
# cmake -DCOMPILER= -DFLAGS= -DALONE=ON [-DLAUNCHER=ccache] -DWORK= -DNVQ_ROOT= -P self_contained.cmake
# Every header but those that launch kernels compiles, with ALONE each alone, included twice, without exceptions and RTTI; and, after everybody else's headers, with
# `min` and `max` defined as the macros that <windows.h> makes of them.
cmake_minimum_required(VERSION 3.23)
set(include "${NVQ_ROOT}/include")
file(GLOB_RECURSE headers RELATIVE "${include}" "${include}/nvq/*.hpp" "${include}/nvq/*.cuh")
list(FILTER headers EXCLUDE REGEX "cuda/(launch|device)\\.cuh$")
file(MAKE_DIRECTORY "${WORK}")

function(compiles what text)
  file(WRITE "${WORK}/alone.cpp" "${text}")
  execute_process(COMMAND ${LAUNCHER} "${COMPILER}" ${FLAGS} -fno-exceptions -fno-rtti -I "${include}"
                          -c "${WORK}/alone.cpp" -o "${WORK}/alone.o" RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(SEND_ERROR "${what} does not compile")
  endif()
endfunction()

set(others "")
set(ours "")
foreach(header IN LISTS headers)
  if(ALONE)
    compiles("${header}, alone," "#include <${header}>\n#include <${header}>\n")
  endif()
  string(APPEND ours "#include <${header}>\n")
  file(STRINGS "${include}/${header}" includes REGEX "^ *# *include <")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^[^<]*(<[^>]*>).*" "\\1" other "${line}")
    if(NOT other MATCHES "<nvq/|arm_neon")  # clang has that one for every processor
      string(APPEND others "#if __has_include(${other})\n#include ${other}\n#endif\n")
    endif()
  endforeach()
endforeach()
set(macros "#define min(a, b) ((b) < (a) ? (b) : (a))\n#define max(a, b) ((a) < (b) ? (b) : (a))\n")
compiles("a header where min and max are macros" "${others}${macros}${ours}")
