export const outside = true;
