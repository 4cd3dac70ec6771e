# SPDX-License-Identifier: GPL-3.0-or-later
# Which sources below engine/ need LibTorch or Arrow. Everything not named here is torch-free and belongs to
# engine_model, where a stray torch header does not compile. The tests mirror the tree and ask the same question.
set(ENGINE_HEAVY_PATTERNS
  "^checkpoint/checkpoint"
  "^data/(batch_loader|parquet_text|text_source|tokenized_dataset)"
  "^model/(llama|linear_layer|attention_core|fused_projections|layer_slot|recomputed|rotary|norm|parameters|stacked|working_weights)"
  "^transform/(paradigm|transform_pass)"
  "^paradigms/"
  "^probe/"
  "^training/"
  "^evaluation/"
  "^conformance/(check_paradigm|conformance_layer|paradigm_conformance)"
  "^scripted/(script_module|scripted_(layer|noise|paradigm))"
  "^engine_implementation"
  "^device")
set(ENGINE_LIGHT_PATTERNS
  "^model/llama_config"
  "^transform/paradigm_info"
  "^training/lr_schedule"
  "_schema\\.cpp$"
  "_schema_test\\.cpp$")

# engine_source_is_heavy(PATH VARIABLE): PATH is relative to engine/ (or to tests/engine/).
function(engine_source_is_heavy path variable)
  set(heavy FALSE)
  foreach(pattern IN LISTS ENGINE_HEAVY_PATTERNS)
    if(path MATCHES "${pattern}")
      set(heavy TRUE)
    endif()
  endforeach()
  foreach(pattern IN LISTS ENGINE_LIGHT_PATTERNS)
    if(path MATCHES "${pattern}")
      set(heavy FALSE)
    endif()
  endforeach()
  set(${variable} ${heavy} PARENT_SCOPE)
endfunction()
