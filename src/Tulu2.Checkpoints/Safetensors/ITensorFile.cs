namespace Tulu2.Checkpoints.Safetensors;

/// <summary>An open file of named tensors, whatever its form. For one thread at a time.</summary>
public unsafe interface ITensorFile : IDisposable
{
    string Path { get; }

    /// <summary>By name; element types are named as in safetensors.</summary>
    IReadOnlyDictionary<string, SafetensorsEntry> Entries { get; }

    /// <summary>What the file says of itself; empty where its form has no place for it.</summary>
    IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Address of a tensor's first element, from which on it lies row-major; valid until the file is disposed.</summary>
    byte* Address(SafetensorsEntry entry);
}
