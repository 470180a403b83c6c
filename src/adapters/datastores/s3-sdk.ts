/**
 * What is used of the AWS SDK, in a module of its own that is loaded when the first S3 datastore is opened.
 * NOTE: a bundle gives a CommonJS package that is imported dynamically a default export only; static imports name its parts in both.
 */
export {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
export { getSignedUrl } from "@aws-sdk/s3-request-presigner";
