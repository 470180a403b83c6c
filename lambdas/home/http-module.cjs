// An import of `node:http` as an ES module reads all it has, of which some loads undici: 40 ms of CPU at each cold start. Asked for like this it does not.
module.exports = process.getBuiltinModule("node:http");
