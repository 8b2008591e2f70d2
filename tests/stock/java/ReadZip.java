import java.io.FileInputStream;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Reads every entry of a ZIP as a stream, without its directory; prints digest and name of each. */
public class ReadZip {
    public static void main(String[] arguments) throws Exception {
        try (ZipInputStream zip = new ZipInputStream(new FileInputStream(arguments[0]))) {
            ZipEntry entry;
            while ((entry = zip.getNextEntry()) != null) {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                new DigestInputStream(zip, digest).transferTo(java.io.OutputStream.nullOutputStream());
                System.out.println(HexFormat.of().formatHex(digest.digest()) + "  " + entry.getName());
            }
        }
    }
}
