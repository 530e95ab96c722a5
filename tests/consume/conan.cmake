# SPDX-License-Identifier: Apache-2.0
# `conan create` with its test package, in a Conan home of its own and without remotes: nothing is downloaded.
cmake_minimum_required(VERSION 3.23)
set(ENV{CONAN_HOME} "${WORK}/conan_home")
set(ENV{CXX} "${COMPILER}")
file(REMOVE_RECURSE "${WORK}/conan_home")
include("${NVQ_ROOT}/cmake/NvqVersion.cmake")
nvq_read_version(version "${NVQ_ROOT}/include/nvq/version.hpp")
set(create "${CONAN}" create "${WORK}/packages/conan/nvq/all" --version ${version} --no-remote
           -c "tools.cmake.cmaketoolchain:generator=$ENV{CMAKE_GENERATOR}")
execute_process(COMMAND "${CONAN}" profile detect COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${create} -s compiler.cppstd=17 COMMAND_ERROR_IS_FATAL ANY)

# Below C++17 the recipe refuses.
execute_process(COMMAND ${create} -s compiler.cppstd=14 RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(status EQUAL 0 OR NOT output MATCHES "Current cppstd \\(14\\) is lower than the required C\\+\\+ standard \\(17\\)")
  message(FATAL_ERROR "with C++14 the recipe should refuse, and said:\n${output}")
endif()
