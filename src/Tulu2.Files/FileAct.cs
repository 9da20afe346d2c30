namespace Tulu2.Files;

/// <summary>What <see cref="AtomicFile"/> is about to do.</summary>
internal enum FileAct
{
    Create,
    Flush,
    Rename,
    FlushDirectory,
    Discard,
    Delete,
}
