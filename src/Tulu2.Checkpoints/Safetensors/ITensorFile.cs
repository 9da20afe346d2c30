namespace Tulu2.Checkpoints.Safetensors;

/// <summary>An open file of named tensors in any format. For one thread at a time.</summary>
public unsafe interface ITensorFile : IDisposable
{
    string Path { get; }

    /// <summary>By name; element types are named as in safetensors.</summary>
    IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    /// <summary>The file's metadata; empty where its format has none.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Address of a tensor's first element (row-major, contiguous); valid until the file is disposed.</summary>
    byte* Address(SafetensorsEntry entry);
}
