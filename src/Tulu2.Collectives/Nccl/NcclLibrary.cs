using System.Runtime.InteropServices;

namespace Tulu2.Collectives.Nccl;

/// <summary>
/// NCCL from the machine's <c>libnccl.so.2</c>, or from the copy inside the CUDA build of libtorch; located on first use. Signatures are those of nccl.h 2.18
/// and later. Tested against a fake only: never run on a GPU.
/// </summary>
internal sealed unsafe partial class NcclLibrary : INccl
{
    public const int UniqueIdBytes = 128;
    // The first version that can split communicators.
    private const int OldestVersion = 21800;

    private static readonly string[] Names = ["libnccl.so.2", "libnccl.so", "libtorch_cuda.so"];
    private static readonly Lazy<NcclLibrary> Found = new(Find);

    private readonly nint _library;

    private NcclLibrary(nint library) => _library = library;

    /// <exception cref="NcclMissingException">This machine has no NCCL, or one that is too old.</exception>
    public static INccl Load()
    {
        var library = Found.Value;
        if (library.Version < OldestVersion)
            throw new NcclMissingException($"NCCL {library.Version} is too old: 2.18 is the first version that can split communicators");
        return library;
    }

    private static NcclLibrary Find()
    {
        // The torch package places its libraries beside the program.
        var folders = new[] { "", AppContext.BaseDirectory, Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native") };
        foreach (var name in Names)
            foreach (var folder in folders)
                if (NativeLibrary.TryLoad(Path.Combine(folder, name), out var library))
                {
                    if (NativeLibrary.TryGetExport(library, "ncclCommSplit", out _)) return new NcclLibrary(library);
                    NativeLibrary.Free(library);
                }
        throw new NcclMissingException("this machine has no NCCL library");
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct UniqueId
    {
        public fixed byte Internal[UniqueIdBytes];
    }

    /// <summary><c>ncclConfig_t</c> of 2.18; later versions accept a structure shorter than their own.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Config
    {
        public nuint Size;
        public uint Magic, Version;
        public int Blocking, CgaClusterSize, MinCtas, MaxCtas;
        public nint NetName;
        public int SplitShare;

        public static Config NonBlocking => new()
        {
            Size = (nuint)sizeof(Config),
            Magic = 0xcafebeef,
            Version = OldestVersion,
            Blocking = 0,
            CgaClusterSize = int.MinValue,
            MinCtas = int.MinValue,
            MaxCtas = int.MinValue,
            SplitShare = int.MinValue,
        };
    }
}
