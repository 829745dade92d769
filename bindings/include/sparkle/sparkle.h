/* sparkle.h: compile tensor kernels and run them, from C99 and later, and from every language that can call C.
 *
 *   sparkle_jit_options options = SPARKLE_JIT_OPTIONS_INIT;
 *   sparkle_size sizes[] = {{"W", 8}, {"K", 3}};
 *   options.sizes = sizes, options.size_count = 2;
 *   sparkle_kernel *kernel = NULL;
 *   sparkle_error *error = sparkle_jit("smooth.spk", text, strlen(text), &options, &kernel);
 *   if (error) { fputs(sparkle_error_text(error), stderr); sparkle_error_free(error); return 1; }
 *
 * - Errors are values: a function that can fail returns NULL, or an error that the caller frees. It then leaves its
 *   results alone. Nothing is printed, no signal is raised, no exception leaves the library, no process is ended.
 * - Objects are opaque and freed by their sparkle_..._free; NULL may be freed. What an object returns by pointer
 *   belongs to it. Objects that were made from others keep those alive.
 * - A machine may be used by several threads at once; a kernel, a binding, a report by one at a time. Several
 *   bindings of one kernel may run at the same time.
 * - Structs that may grow start with their size; set them by their ..._INIT.
 * - Tensors carry shape and strides (in elements, not negative). Sizes are in bytes where their name says so. */
#ifndef SPARKLE_SPARKLE_H
#define SPARKLE_SPARKLE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define SPARKLE_API
#else
#define SPARKLE_API __attribute__((visibility("default")))
#endif
#if defined(__GNUC__)
#define SPARKLE_MUST_USE __attribute__((warn_unused_result))
#else
#define SPARKLE_MUST_USE
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define SPARKLE_MAX_RANK 8

/* ---- versions ---- */

/** `0.1.0`. */
SPARKLE_API const char *sparkle_version(void);

/* ---- errors ---- */

typedef enum sparkle_code {
  SPARKLE_INVALID_INPUT = 1,        /**< Source text, schedule, shapes or arguments are wrong. */
  SPARKLE_BAD_SCHEDULE = 2,         /**< A schedule that is not legal for this kernel and machine. */
  SPARKLE_UNSUPPORTED = 3,          /**< Correct input that this version or device cannot do. */
  SPARKLE_SHAPE_OVERFLOW = 4,       /**< Shape or size arithmetic leaves 64 bits, or a named limit. */
  SPARKLE_OUT_OF_MEMORY = 5,        /**< Host memory. */
  SPARKLE_DEVICE_OUT_OF_MEMORY = 6, /**< Device memory. */
  SPARKLE_NO_DEVICE = 7,            /**< The device asked for is not here. */
  SPARKLE_DEVICE_LOST = 8,          /**< The device stopped answering. */
  SPARKLE_DEVICE = 9,               /**< Another failed call of a device's driver. */
  SPARKLE_TIMEOUT = 10,             /**< A bounded wait ran out. */
  SPARKLE_IO = 11,                  /**< A file could not be read or written. */
  SPARKLE_VERIFY_FAILED = 12,       /**< A computed result differs from the reference. */
  SPARKLE_INTERNAL = 13             /**< A failed internal check: a bug of Sparkle. */
} sparkle_code;

typedef struct sparkle_error sparkle_error;

SPARKLE_API sparkle_code sparkle_error_code(const sparkle_error *error);
/** One sentence. */
SPARKLE_API const char *sparkle_error_text(const sparkle_error *error);
/** For mistakes in a source text: `file:line:column`, the line and a caret for each. Otherwise empty. */
SPARKLE_API const char *sparkle_error_diagnostics(const sparkle_error *error);
/** The same, one JSON object a line. */
SPARKLE_API const char *sparkle_error_diagnostics_json(const sparkle_error *error);
SPARKLE_API void sparkle_error_free(sparkle_error *error);
/** `INVALID_INPUT`... */
SPARKLE_API const char *sparkle_code_name(sparkle_code code);

/* ---- tensors ---- */

typedef enum sparkle_element {
  SPARKLE_F32 = 1,
  SPARKLE_F16 = 2,
  SPARKLE_BF16 = 3,
  SPARKLE_I32 = 4,
  SPARKLE_I8 = 5,
  SPARKLE_U8 = 6
} sparkle_element;

/** Memory of the caller. `data` points to element (0, 0...), aligned to its element. */
typedef struct sparkle_tensor {
  void *data;
  int32_t element;        /**< A sparkle_element; a number, so that a wrong one can be refused. */
  int32_t rank;           /**< 0 to SPARKLE_MAX_RANK. */
  const int64_t *shape;   /**< `rank` extents; may be NULL for rank 0. */
  const int64_t *strides; /**< `rank` strides in elements; NULL: dense row-major. */
} sparkle_tensor;

/** A tensor under its name in the text. */
typedef struct sparkle_argument {
  const char *name;
  sparkle_tensor tensor;
} sparkle_argument;

/** A dimension or an `int` parameter. */
typedef struct sparkle_size {
  const char *name;
  int64_t value;
} sparkle_size;

/** A run-time scalar. */
typedef struct sparkle_scalar {
  const char *name;
  double value;
} sparkle_scalar;

/** The strides for which an argument is compiled. */
typedef struct sparkle_layout {
  const char *name;
  const int64_t *strides; /**< One for each dimension, in elements. 0 repeats an element; inputs only. */
  int32_t rank;
} sparkle_layout;

/* ---- machines ---- */

typedef struct sparkle_machine sparkle_machine;

typedef struct sparkle_machine_options {
  size_t struct_size;
  int32_t threads; /**< Of the CPU; 0: one for each usable core. */
  const char *isa; /**< Cap on instruction sets: `avx2`, `avx512`; NULL: none. */
} sparkle_machine_options;
#define SPARKLE_MACHINE_OPTIONS_INIT                                                                                   \
  { sizeof(sparkle_machine_options), 0, NULL }

typedef struct sparkle_device {
  const char *id;      /**< `cpu`, `vulkan:0`, `reference`. */
  const char *name;    /**< Of the hardware. */
  const char *driver;  /**< Name and version; empty: none. */
  int32_t is_software; /**< 1: a driver that computes on the CPU. */
} sparkle_device;

/** `options` may be NULL. */
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_machine_open(const sparkle_machine_options *options,
                                                                 sparkle_machine **machine);
/** Opens the drivers when called for the first time. */
SPARKLE_API size_t sparkle_machine_device_count(sparkle_machine *machine);
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_machine_device(sparkle_machine *machine, size_t number,
                                                                   sparkle_device *device);
SPARKLE_API void sparkle_machine_free(sparkle_machine *machine);

/* ---- compiling ---- */

typedef struct sparkle_kernel sparkle_kernel;

typedef struct sparkle_jit_options {
  size_t struct_size;
  const char *kernel;        /**< Of a text with several; NULL: the only one. */
  const sparkle_size *sizes; /**< Dimensions and `int` parameters. */
  size_t size_count;
  const char *const *open; /**< Dimensions that get their value at the call. */
  size_t open_count;
  const sparkle_layout *layouts; /**< Arguments that are not dense row-major. */
  size_t layout_count;
  const char *device;       /**< `auto`, `cpu`, `vulkan:1`, `reference`; with `!`: nothing else. NULL: `auto`. */
  const char *target;       /**< `llvm`, `vulkan`, `reference`; NULL: the device's own. */
  const char *schedule;     /**< Text of a schedule; NULL: the cost model writes one. */
  int32_t strict;           /**< 1: sums in the order of the text, without contraction. */
  sparkle_machine *machine; /**< Shared between kernels; NULL: one is opened. */
} sparkle_jit_options;
#define SPARKLE_JIT_OPTIONS_INIT                                                                                       \
  { sizeof(sparkle_jit_options), NULL, NULL, 0, NULL, 0, NULL, 0, NULL, NULL, NULL, 0, NULL }

/** Compiles a kernel of `text` (`length` bytes; `name` is for messages). Mistakes in the text are located in the
 * error's diagnostics. */
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_jit(const char *name, const char *text, size_t length,
                                                        const sparkle_jit_options *options, sparkle_kernel **kernel);
SPARKLE_API void sparkle_kernel_free(sparkle_kernel *kernel);

typedef enum sparkle_role { SPARKLE_INPUT = 1, SPARKLE_CONST = 2, SPARKLE_OUTPUT = 3, SPARKLE_INOUT = 4 } sparkle_role;

/** What a call must give. */
typedef struct sparkle_tensor_info {
  const char *name;
  sparkle_role role;
  sparkle_element element;
  int32_t rank;
  int64_t shape[SPARKLE_MAX_RANK];   /**< -1: open. */
  int64_t strides[SPARKLE_MAX_RANK]; /**< In elements; -1: follows from an open extent, dense. */
  int32_t alignment;                 /**< Bytes; that of the element if nothing more is needed. */
} sparkle_tensor_info;

SPARKLE_API size_t sparkle_kernel_tensor_count(const sparkle_kernel *kernel);
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_kernel_tensor(const sparkle_kernel *kernel, size_t number,
                                                                  sparkle_tensor_info *info);
/** Names of run-time scalars; NULL: `number` is too large. */
SPARKLE_API const char *sparkle_kernel_scalar(const sparkle_kernel *kernel, size_t number);
/** Id of the device that it was compiled for. */
SPARKLE_API const char *sparkle_kernel_device(const sparkle_kernel *kernel);
/** Why another device than the first choice is used; empty: it is not. */
SPARKLE_API const char *sparkle_kernel_fallback_reason(const sparkle_kernel *kernel);
/** The schedule in use, as text that `schedule` of the options takes. */
SPARKLE_API const char *sparkle_kernel_schedule(const sparkle_kernel *kernel);
/** Operations of the text over whole boxes, padded taps counted. */
SPARKLE_API int64_t sparkle_kernel_flops(const sparkle_kernel *kernel);
/** Memory that a binding allocates for intermediates. */
SPARKLE_API int64_t sparkle_kernel_workspace_bytes(const sparkle_kernel *kernel);

/* ---- packing constants ahead ---- */

/** Size of the packed constants; 0: this kernel packs nothing. */
SPARKLE_API int64_t sparkle_kernel_packed_bytes(const sparkle_kernel *kernel);
/** Names the layout of the packed constants: kernels with equal ids can use each other's. */
SPARKLE_API const char *sparkle_kernel_packed_layout(const sparkle_kernel *kernel);

/* ---- running ---- */

/** The arguments of a call. */
typedef struct sparkle_call {
  size_t struct_size;
  const sparkle_argument *arguments;
  size_t argument_count;
  const sparkle_scalar *scalars;
  size_t scalar_count;
  const sparkle_size *sizes; /**< Open dimensions that no given tensor has. */
  size_t size_count;
  /** Constants packed by sparkle_pack for the same layout, 64-byte aligned; NULL: the call packs them. The CPU only.
   * `const` tensors that nothing else reads may then be left out of `arguments`. */
  const void *packed;
} sparkle_call;
#define SPARKLE_CALL_INIT                                                                                              \
  { sizeof(sparkle_call), NULL, 0, NULL, 0, NULL, 0, NULL }

/** Writes the packed constants to `packed` (`bytes` >= sparkle_kernel_packed_bytes, 64-byte aligned). Of `call` only
 * the constants count. SPARKLE_UNSUPPORTED on other devices than the CPU. */
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_pack(sparkle_kernel *kernel, const sparkle_call *call, void *packed,
                                                         int64_t bytes);

typedef struct sparkle_run_options {
  size_t struct_size;
  int32_t repeats;      /**< At least 1. */
  int32_t warmups;      /**< Runs before them that are not timed. */
  int32_t verify;       /**< 1: compare the results of a first run with the reference. */
  int32_t measure_peak; /**< 1: probe the device's peak beside the runs. */
} sparkle_run_options;
#define SPARKLE_RUN_OPTIONS_INIT                                                                                       \
  { sizeof(sparkle_run_options), 1, 0, 0, 0 }

typedef struct sparkle_report sparkle_report;
typedef struct sparkle_binding sparkle_binding;

/** Binds, runs, fetches the results. When the device fails and the request allows it, compiles for the next one and
 * says so in the report. `options` and `report` may be NULL. */
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_run(sparkle_kernel *kernel, const sparkle_call *call,
                                                        const sparkle_run_options *options, sparkle_report **report);

/** Checks the arguments once, allocates workspace, packs constants. The tensors' memory must outlive the binding. */
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_bind(sparkle_kernel *kernel, const sparkle_call *call,
                                                         sparkle_binding **binding);
/** One run; results are in the tensors when it returns. */
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_binding_run(sparkle_binding *binding);
/** Takes the tensors' contents anew where the device has memory of its own; `constants` 1: packs them again. */
SPARKLE_MUST_USE SPARKLE_API sparkle_error *sparkle_binding_refresh(sparkle_binding *binding, int32_t constants);
SPARKLE_API void sparkle_binding_free(sparkle_binding *binding);

/* ---- reports ---- */

/** One JSON object; docs/cli.md lists its keys. */
SPARKLE_API const char *sparkle_report_json(const sparkle_report *report);
/** For people: `key  value` a line. */
SPARKLE_API const char *sparkle_report_text(const sparkle_report *report);
SPARKLE_API const char *sparkle_report_device(const sparkle_report *report);
/** 1: compared with the reference and found right. */
SPARKLE_API int32_t sparkle_report_verified(const sparkle_report *report);
/** Median of the repeats, from the call to the last result in device memory. */
SPARKLE_API double sparkle_report_wall_seconds(const sparkle_report *report);
/** Median, kernels alone; 0: the device has no clock. */
SPARKLE_API double sparkle_report_kernel_seconds(const sparkle_report *report);
SPARKLE_API double sparkle_report_gflops(const sparkle_report *report);
SPARKLE_API void sparkle_report_free(sparkle_report *report);

#ifdef __cplusplus
}
#endif

#endif
