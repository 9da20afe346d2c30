using Tulu2.Data.Chat;

namespace Tulu2.Data.Store;

/// <summary>What rows a store is made of.</summary>
public enum StoreObjective
{
    /// <summary>Instruction rows, one sequence each, every assistant turn scored.</summary>
    Messages,
    /// <summary>Preference pairs, two sequences each (chosen, rejected), the last assistant turn scored.</summary>
    Preferences,
}

/// <summary>The tokens that are wanted.</summary>
/// <param name="Directory">Where stores are kept; each lies in a folder named by its key.</param>
/// <param name="Files">Files of rows, in order.</param>
/// <param name="Encoder">Template, tokenizer and maximum length.</param>
/// <param name="Objective">Instruction rows or preference pairs.</param>
/// <param name="Threads">Threads that tokenise. The result does not depend on it.</param>
public sealed record TokenStoreRequest(
    string Directory, IReadOnlyList<string> Files, ChatEncoder Encoder, StoreObjective Objective, int Threads = 2);

/// <summary>How far building is: rows read so far, of which file (from 0) of how many.</summary>
public readonly record struct StoreProgress(long Rows, int File, int Files);
