# SPDX-License-Identifier: Apache-2.0
# cmake -DCOMPILER= -DWORK= -DNVQ_ROOT= -P check.cmake
cmake_minimum_required(VERSION 3.23)
set(include "${NVQ_ROOT}/include")
file(MAKE_DIRECTORY "${WORK}")

# Prints and asserts the lines, other than blank ones, of a file that includes the headers; prints how long the compiler takes
# over it.
function(budget limit)
  set(text "")
  foreach(header IN LISTS ARGN)
    string(APPEND text "#include <${header}>\n")
  endforeach()
  set(source "${WORK}/budget.cpp")
  file(WRITE "${source}" "${text}")
  execute_process(COMMAND ${COMPILER} -std=c++17 -I "${include}" -E "${source}" COMMAND grep -c [^[:space:]]
                  OUTPUT_VARIABLE lines OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(TIMESTAMP begin "%s%f")
  execute_process(COMMAND ${COMPILER} -std=c++17 -I "${include}" -fsyntax-only "${source}" COMMAND_ERROR_IS_FATAL ANY)
  string(TIMESTAMP end "%s%f")
  math(EXPR ms "(${end} - ${begin}) / 1000")
  message("${lines} lines, ${ms} ms: ${ARGN}")
  if(lines GREATER limit)
    message(SEND_ERROR "the budget is ${limit} lines")
  endif()
endfunction()

# The part that device headers include, all of it together.
budget(20000 nvq/element.hpp nvq/format.hpp nvq/recipe.hpp nvq/block.hpp nvq/layout.hpp)

# The front headers, with everything they need on the host.
foreach(front nvfp4 mxfp4 mxfp6 mxfp8 fp8 int8 int4 nf4)
  budget(70000 "nvq/${front}.hpp")
endforeach()

# What the standard headers alone cost, for comparison.
budget(70000 cstddef cstdint memory type_traits utility vector)
