# SPDX-License-Identifier: Apache-2.0
# Builds and runs the contract's consumer project. HOW: find_package, add_subdirectory or fetch_content.
cmake_minimum_required(VERSION 3.23)
if(HOW STREQUAL "find_package")
  set(where "-DCMAKE_PREFIX_PATH=${PREFIX}")
elseif(HOW STREQUAL "add_subdirectory")
  set(where "-DNVQ_SOURCE_DIR=${NVQ_ROOT}")
elseif(HOW STREQUAL "fetch_content")
  file(GLOB source LIST_DIRECTORIES true "${WORK}/nvq-*")
  set(repository "${WORK}/repository")
  file(REMOVE_RECURSE "${repository}")
  file(COPY "${source}/" DESTINATION "${repository}")
  foreach(step "init;-q" "add;." "-c;user.name=nvq;-c;user.email=nvq@localhost;commit;-q;-m;A release")
    execute_process(COMMAND "${GIT}" ${step} WORKING_DIRECTORY "${repository}" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  set(where "-DNVQ_FETCH_FROM=${repository}")
endif()

set(build "${WORK}/consumer-${HOW}")
file(REMOVE_RECURSE "${build}")
execute_process(COMMAND "${CMAKE_COMMAND}" -S "${NVQ_ROOT}/tests/contract/consumer" -B "${build}"
                        "-DCMAKE_CXX_COMPILER=${COMPILER}" ${where} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --build "${build}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${build}/consumer" COMMAND_ERROR_IS_FATAL ANY)
