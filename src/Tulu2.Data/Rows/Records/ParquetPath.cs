using Tulu2.Files;

namespace Tulu2.Data.Rows.Records;

/// <summary>Path of a plain Parquet file: the given one, or an unpacked copy of a gzip file (Parquet is read from its end).</summary>
internal sealed class ParquetPath(string value, bool copy) : IDisposable
{
    public string Value { get; } = value;

    public static ParquetPath Of(RecordFile file)
    {
        if (!file.IsPacked) return new ParquetPath(file.Path, copy: false);
        var path = new ParquetPath(Path.Combine(Path.GetTempPath(), $"tulu2-{Guid.NewGuid():N}.parquet"), copy: true);
        try
        {
            using var unpacked = new FileStream(path.Value, FileMode.CreateNew);
            using var stream = file.Open();
            stream.CopyTo(unpacked);
            return path;
        }
        catch (Exception failure)
        {
            path.Dispose();
            if (failure is not PackedDamageException) throw;
            throw new BadInputException(file.Path, FaultText.Of(failure), "fetch or write the file again", failure);
        }
    }

    public void Dispose()
    {
        if (copy) File.Delete(Value);
    }
}
