using System.IO.Compression;

namespace Tulu2.Mixtures.Output;

/// <summary>Lines as one member of a gzip file, which may have any number of them one after the other.</summary>
internal static class PackedLines
{
    public static byte[] Of(IEnumerable<ReadOnlyMemory<byte>> lines)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
            foreach (var line in lines)
            {
                gzip.Write(line.Span);
                gzip.WriteByte((byte)'\n');
            }
        return packed.ToArray();
    }
}
