// Answers HTTP requests.

#include "greeting.h"
#include "http.h"

#include <string.h>

enum { LONGEST_PATH = 1024, LONGEST_TEXT = 2048 };

static void path_of(exports_wasi_http_incoming_handler_own_incoming_request_t request, char *path, size_t size) {
  http_string_t given;
  path[0] = '\0';
  if (wasi_http_types_method_incoming_request_path_with_query(wasi_http_types_borrow_incoming_request(request), &given)) {
    size_t length = given.len < size ? given.len : size - 1;
    memcpy(path, given.ptr, length);
    path[length] = '\0';
    http_string_free(&given);
  }
}

static void send(wasi_http_types_own_outgoing_body_t body, const char *text, size_t length) {
  wasi_io_streams_own_output_stream_t stream;
  if (!wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &stream)) {
    return;
  }
  // A stream takes 4096 bytes at a time.
  http_list_u8_t bytes = {(uint8_t *)text, length};
  wasi_io_streams_stream_error_t error;
  bool sent = wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(stream),
                                                                             &bytes, &error);
  wasi_io_streams_output_stream_drop_own(stream);
  if (sent) {
    // An error means that the client is gone.
    wasi_http_types_error_code_t failure;
    if (!wasi_http_types_static_outgoing_body_finish(body, NULL, &failure)) {
      wasi_http_types_error_code_free(&failure);
    }
  } else {
    wasi_io_streams_stream_error_free(&error);
    wasi_http_types_outgoing_body_drop_own(body);
  }
}

void exports_wasi_http_incoming_handler_handle(exports_wasi_http_incoming_handler_own_incoming_request_t request,
                                               exports_wasi_http_incoming_handler_own_response_outparam_t out) {
  char path[LONGEST_PATH];
  char text[LONGEST_TEXT];
  path_of(request, path, sizeof path);
  size_t length = greeting(path, text, sizeof text);

  wasi_http_types_own_outgoing_response_t response =
      wasi_http_types_constructor_outgoing_response(wasi_http_types_constructor_fields());
  wasi_http_types_own_outgoing_body_t body;
  wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response), &body);
  wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val.ok = response};
  wasi_http_types_static_response_outparam_set(out, &result);
  send(body, text, length);
  wasi_http_types_incoming_request_drop_own(request);
}
