using System.Security.Cryptography;
using System.Text;

namespace Tulu2.Tests.Hub.Server;

/// <summary>A file of a repository; a large one is at another address and is named by its SHA-256, as on the hub.</summary>
internal sealed record HubFile(byte[] Content, bool IsLarge)
{
    public string Etag { get; } = IsLarge ? Convert.ToHexStringLower(SHA256.HashData(Content))
        : Convert.ToHexStringLower(CryptographicOperations.HashData(HashAlgorithmName.SHA1,
            (byte[])[.. Encoding.ASCII.GetBytes($"blob {Content.Length}\0"), .. Content]));

    public static HubFile Random(int seed, int length, bool isLarge)
    {
        var content = new byte[length];
        new Random(seed).NextBytes(content);
        return new HubFile(content, isLarge);
    }

    public static HubFile Text(string text) => new(Encoding.UTF8.GetBytes(text), false);
}
