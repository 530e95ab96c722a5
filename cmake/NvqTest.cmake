# SPDX-License-Identifier: Apache-2.0
# The kinds of tests. Tests that run compilers themselves carry the label "tool": they do not depend on the build tree's
# compiler, so one preset runs them and the others leave them out.

set(nvq_skip_regex "nvq-skip\\(")

# A test that cannot run here: reported as skipped, and counted by kind (nvcc, python, compiler, qemu).
function(nvq_skip_test name kind reason)
  add_test(NAME "${name}" COMMAND "${CMAKE_COMMAND}" -E echo "nvq-skip(${kind}): ${reason}")
  set_tests_properties("${name}" PROPERTIES SKIP_REGULAR_EXPRESSION "${nvq_skip_regex}" LABELS "tool;${ARGN}")
endfunction()

# Catch2 tests: every .cpp of a folder in one program, every test case a test of its own.
function(nvq_add_test_area area)
  file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${area}/*.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(nvq_test_${area} ${sources})
  target_link_libraries(nvq_test_${area} PRIVATE nvq_test_support)
  set(labels "${area}")
  catch_discover_tests(nvq_test_${area} TEST_PREFIX "${area}: "
                       PROPERTIES SKIP_REGULAR_EXPRESSION "${nvq_skip_regex}" LABELS "${labels}")
endfunction()

# A CMake script as a test: nvq_add_script_test(NAME n SCRIPT s.cmake LABELS ... ARGS -DX=y ...).
function(nvq_add_script_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;SCRIPT;TIMEOUT" "LABELS;ARGS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  cmake_path(ABSOLUTE_PATH arg_SCRIPT)
  add_test(NAME "${arg_NAME}"
           COMMAND "${CMAKE_COMMAND}" "-DNVQ_ROOT=${PROJECT_SOURCE_DIR}" ${arg_ARGS} -P "${arg_SCRIPT}")
  set_tests_properties("${arg_NAME}" PROPERTIES SKIP_REGULAR_EXPRESSION "${nvq_skip_regex}" LABELS "tool;${arg_LABELS}"
                       TIMEOUT ${arg_TIMEOUT})
endfunction()

# Compile some sources with one compiler line and, with RUN, run the program; GOLDEN compares what it prints with a file.
#   nvq_add_compile_test(NAME n COMPILER <path or NOTFOUND> [STD 17] SOURCES ... [FLAGS ...] [RUN] [GOLDEN file] [EMULATOR ...])
function(nvq_add_compile_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "RUN" "NAME;COMPILER;STD;GOLDEN" "SOURCES;FLAGS;EMULATOR;LABELS")
  if(NOT arg_COMPILER)
    nvq_skip_test("${arg_NAME}" compiler "this compiler is not installed" ${arg_LABELS})
    return()
  endif()
  string(MAKE_C_IDENTIFIER "${arg_NAME}" id)
  if(arg_STD)
    list(PREPEND arg_FLAGS -std=c++${arg_STD})
  endif()
  nvq_add_script_test(NAME "${arg_NAME}" SCRIPT "${PROJECT_SOURCE_DIR}/tests/support/compile.cmake" LABELS ${arg_LABELS}
    ARGS "-DCOMPILER=${arg_COMPILER}" "-DLAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER}" "-DFLAGS=${arg_FLAGS}" "-DSOURCES=${arg_SOURCES}"
         "-DRUN=${arg_RUN}" "-DGOLDEN=${arg_GOLDEN}" "-DEMULATOR=${arg_EMULATOR}" "-DOUTPUT=${CMAKE_CURRENT_BINARY_DIR}/${id}")
endfunction()
