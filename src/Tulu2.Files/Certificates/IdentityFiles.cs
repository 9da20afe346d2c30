namespace Tulu2.Files.Certificates;

/// <summary>Where a process of the cluster finds what shows who it is: PEM files, by full path. The key itself is read only where it is used.</summary>
/// <param name="Certificate">Its certificate.</param>
/// <param name="Key">The private key of that certificate.</param>
/// <param name="Authority">The certificate of the authority that signs the cluster's nodes and nothing else.</param>
/// <param name="Admitted">The list of certificates that are taken; null: every valid one of the authority.</param>
public sealed record IdentityFiles(string Certificate, string Key, string Authority, string? Admitted);
