"""One module or package per member of the stack: writes its TLS settings, reads them, proves them."""
