using Tulu2.Data.Chat;
using Tulu2.Data.Rows;
using Tulu2.Data.Rows.Reading;

namespace Tulu2.Data.Store;

/// <summary>What a token store is made of.</summary>
/// <param name="Directory">Directory of all stores; each has a folder named by its key.</param>
/// <param name="Files">Files of rows, in order.</param>
/// <param name="Encoder">Template, tokenizer and maximum length.</param>
/// <param name="Kind">
/// Instruction rows: one sequence each, every assistant turn scored. Preference pairs: two sequences each (chosen, rejected), the last assistant turn scored. Unpaired
/// preferences: one sequence each, the last assistant turn scored, and a label.
/// </param>
/// <param name="Threads">Number of tokenising threads. The result does not depend on it.</param>
public sealed record TokenStoreRequest(
    string Directory, IReadOnlyList<DataFile> Files, ChatEncoder Encoder, RowKind Kind, int Threads = 2);

/// <summary>Progress of a build: rows read so far, the current file (from 0) and the number of files.</summary>
public readonly record struct StoreProgress(long Rows, int File, int Files);
