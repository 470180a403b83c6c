/** Whom the organisation's identity provider has signed in. */
export interface Identity {
  /**
   * The person an ID token stands for. Throws AppError("Unauthenticated") for a token that is not the issuer's, not for this client, or too old,
   * and AppError("Unavailable") while the issuer's keys can't be had.
   */
  personOf(idToken: string): Promise<string>;
}
