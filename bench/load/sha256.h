/* SHA-256 (FIPS 180-4), HMAC over it (RFC 2104), and base64url: what a member needs to seal what it says and to follow the chain. */
#pragma once
#include <stdint.h>
#include <string.h>

typedef struct {
  uint32_t state[8];
  uint64_t length;
  unsigned char block[64];
} Sha256;

static const uint32_t roundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t rotated(uint32_t x, int by) { return x >> by | x << (32 - by); }

/* In words that stay in registers: the chain is what costs a reader most. */
static void shaBlock(uint32_t *state, const unsigned char *block) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++) {
    memcpy(w + i, block + 4 * i, 4);
    w[i] = __builtin_bswap32(w[i]);
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; i++) {
    uint32_t t1 = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) + roundConstants[i] + w[i];
    uint32_t t2 = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void shaBegin(Sha256 *sha) {
  static const uint32_t begin[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(sha->state, begin, sizeof begin);
  sha->length = 0;
}

static void shaAdd(Sha256 *sha, const void *data, size_t count) {
  const unsigned char *bytes = data;
  size_t held = sha->length % 64;
  sha->length += count;
  if (held + count < 64) {
    memcpy(sha->block + held, bytes, count);
    return;
  }
  if (held > 0) {
    memcpy(sha->block + held, bytes, 64 - held);
    shaBlock(sha->state, sha->block);
    bytes += 64 - held;
    count -= 64 - held;
  }
  for (; count >= 64; bytes += 64, count -= 64) shaBlock(sha->state, bytes);
  memcpy(sha->block, bytes, count);
}

static void shaEnd(Sha256 *sha, unsigned char digest[32]) {
  uint64_t bits = __builtin_bswap64(sha->length * 8);
  size_t held = sha->length % 64;
  unsigned char padding[72] = {0x80};
  shaAdd(sha, padding, (held < 56 ? 56 : 120) - held);
  shaAdd(sha, &bits, 8);
  for (int i = 0; i < 8; i++) {
    uint32_t word = __builtin_bswap32(sha->state[i]);
    memcpy(digest + 4 * i, &word, 4);
  }
}

static void sha256(const void *data, size_t count, unsigned char digest[32]) {
  Sha256 sha;
  shaBegin(&sha);
  shaAdd(&sha, data, count);
  shaEnd(&sha, digest);
}

static void hmac(const unsigned char key[32], const void *data, size_t count, unsigned char digest[32]) {
  unsigned char pad[64];
  Sha256 sha;
  for (int i = 0; i < 64; i++) pad[i] = (i < 32 ? key[i] : 0) ^ 0x36;
  shaBegin(&sha);
  shaAdd(&sha, pad, 64);
  shaAdd(&sha, data, count);
  shaEnd(&sha, digest);
  for (int i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
  shaBegin(&sha);
  shaAdd(&sha, pad, 64);
  shaAdd(&sha, digest, 32);
  shaEnd(&sha, digest);
}

/** Writes the characters and a final 0; returns how many there are. */
static int base64url(char *text, const unsigned char *bytes, int count) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  int length = 0;
  for (int i = 0; i < count; i += 3) {
    uint32_t three = bytes[i] << 16 | (i + 1 < count ? bytes[i + 1] << 8 : 0) | (i + 2 < count ? bytes[i + 2] : 0);
    int digitsHere = count - i >= 3 ? 4 : count - i + 1;
    for (int k = 0; k < digitsHere; k++) text[length++] = digits[three >> (18 - 6 * k) & 63];
  }
  text[length] = 0;
  return length;
}
