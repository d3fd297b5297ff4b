/** The cryptography the cores need, as functions: a simulation may put cheaper ones in their place. */
export interface Crypto {
  /** First 16 bytes of SHA-256 over the UTF-8 text, in base64url. */
  hash(text: string): string;
  /** True if `signature` over `text` was made with the private half of `key` (Ed25519, both in base64url). */
  verify(key: string, text: string, signature: string): boolean;
}

/** A key pair of one person; the private half stays inside. */
export interface Identity {
  /** Public key, 32 bytes in base64url: the member's id. */
  readonly key: string;
  sign(text: string): string;
}
