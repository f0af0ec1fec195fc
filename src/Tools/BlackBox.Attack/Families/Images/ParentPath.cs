namespace BlackBox.Attacks;

/// <summary>See what it tries.</summary>
internal sealed class ParentPath() : ImageAttack("image-parent-path", "starts the program by a path that leaves the image and comes back", "true", prelude: "PROGRAM=/../../bin/./../bin/victim;", mayStart: true);
