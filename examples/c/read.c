/* Reads pictures with an exported graph through TensorFlow's C API: no Python, no decoder of CTC.
 *
 * usage: read GRAPH.pb SYMBOLS PICTURE.pgm...
 *
 * SYMBOLS are those of the model in their order, such as 0123456789, in UTF-8. The pictures are binary PGM files (P5)
 * of the size that the network sees; README.md tells how to make them and how to build this.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

typedef struct {
  TF_Graph *graph;
  TF_Session *session;
  TF_Output input, decoded;
} Model;

static void fail(const char *what, const char *why) {
  fprintf(stderr, "error: %s: %s\n", what, why);
  exit(1);
}

static void check(const char *what, const TF_Status *status) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

static void free_content(void *content, size_t size) {
  (void)size;
  free(content);
}

static void free_tensor_content(void *content, size_t size, void *unused) {
  (void)size, (void)unused;
  free(content);
}

static TF_Buffer *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path, "cannot be opened");
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  void *content = malloc(size > 0 ? (size_t)size : 1);
  if (size < 0 || fread(content, 1, (size_t)size, file) != (size_t)size) fail(path, "cannot be read");
  fclose(file);
  TF_Buffer *buffer = TF_NewBuffer();
  buffer->data = content;
  buffer->length = (size_t)size;
  buffer->data_deallocator = free_content;
  return buffer;
}

static TF_Output tensor_of(TF_Graph *graph, const char *name) {
  TF_Output output = {TF_GraphOperationByName(graph, name), 0};
  if (!output.oper) fail(name, "no such tensor in this graph");
  return output;
}

static Model load(const char *path, TF_Status *status) {
  TF_Buffer *definition = read_file(path);
  Model model = {.graph = TF_NewGraph()};
  TF_ImportGraphDefOptions *import = TF_NewImportGraphDefOptions();
  TF_GraphImportGraphDef(model.graph, definition, import, status);
  check(path, status);
  TF_DeleteImportGraphDefOptions(import);
  TF_DeleteBuffer(definition);
  model.input = tensor_of(model.graph, "input");
  model.decoded = tensor_of(model.graph, "dense_decoded");
  TF_SessionOptions *options = TF_NewSessionOptions();
  model.session = TF_NewSession(model.graph, options, status);
  check("session", status);
  TF_DeleteSessionOptions(options);
  return model;
}

/* Reads a PGM into a tensor uint8 [1, height, width, 1]. */
static TF_Tensor *pixels_of(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path, "cannot be opened");
  int width, height, deepest;
  int found = fscanf(file, "P5 %d %d %d", &width, &height, &deepest);
  if (found != 3 || deepest != 255 || fgetc(file) == EOF || width < 1 || height < 1 || width > 9999 || height > 9999)
    fail(path, "is no binary PGM of 8 bits without comments");
  size_t size = (size_t)width * (size_t)height;
  void *content = malloc(size);
  if (!content || fread(content, 1, size, file) != size) fail(path, "is cut off");
  fclose(file);
  int64_t shape[4] = {1, height, width, 1};
  return TF_NewTensor(TF_UINT8, shape, 4, content, size, free_tensor_content, NULL);
}

/* Prints one symbol of a UTF-8 text by its number. */
static void print_symbol(const char *symbols, int64_t number) {
  const char *at = symbols;
  while (*at && number > 0) {
    do at++;
    while ((*at & 0xC0) == 0x80);
    number--;
  }
  if (!*at) fail("SYMBOLS", "the graph has more symbols than are given");
  do putchar(*at++);
  while ((*at & 0xC0) == 0x80);
}

static void read_picture(Model model, const char *path, const char *symbols, TF_Status *status) {
  TF_Tensor *pixels = pixels_of(path), *decoded = NULL;
  TF_SessionRun(model.session, NULL, &model.input, &pixels, 1, &model.decoded, &decoded, 1, NULL, 0, NULL, status);
  check(path, status);
  const int64_t *numbers = TF_TensorData(decoded);
  printf("%s\t", path);
  for (int64_t i = 0; i < TF_Dim(decoded, 1); i++)
    if (numbers[i] >= 0) print_symbol(symbols, numbers[i]);
  putchar('\n');
  TF_DeleteTensor(pixels);
  TF_DeleteTensor(decoded);
}

int main(int count, char **arguments) {
  if (count < 4) {
    fprintf(stderr, "usage: %s GRAPH.pb SYMBOLS PICTURE.pgm...\n", arguments[0]);
    return 2;
  }
  TF_Status *status = TF_NewStatus();
  Model model = load(arguments[1], status);
  for (int i = 3; i < count; i++) read_picture(model, arguments[i], arguments[2], status);
  TF_DeleteSession(model.session, status);
  check("session", status);
  TF_DeleteGraph(model.graph);
  TF_DeleteStatus(status);
  return 0;
}
