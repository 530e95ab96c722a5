# SPDX-License-Identifier: Apache-2.0
# How our own tests and examples are compiled. None of it reaches the users of nvq::nvq.
if(NOT CMAKE_CXX_STANDARD)
  set(CMAKE_CXX_STANDARD 17)
endif()
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(NVQ_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wdouble-promotion -Werror)
add_library(nvq_warnings INTERFACE)
if(MSVC)
  target_compile_options(nvq_warnings INTERFACE /W4 /WX /permissive- /utf-8)
else()
  target_compile_options(nvq_warnings INTERFACE ${NVQ_WARNINGS})
endif()

# find_package for what only the tests and the application need; a missing one is explained.
macro(nvq_require package debian_package)
  find_package(${package} QUIET)
  if(NOT ${package}_FOUND)
    message(FATAL_ERROR
      "nvq: ${package} was not found. The library does not need it, the tests, the application and the benchmarks do. "
      "Install it (Debian, Ubuntu: apt install ${debian_package}), point CMAKE_PREFIX_PATH at it, "
      "or configure with -DNVQ_BUILD_TESTING=OFF -DNVQ_BUILD_EXAMPLES=OFF -DNVQ_BUILD_BENCH=OFF.")
  endif()
endmacro()
